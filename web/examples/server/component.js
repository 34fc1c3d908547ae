import { fillPage } from '../app/page.js';

/** A part of a page: written on the server, alive in the browser. */
export const digits = { markup: '<output></output>', start: fillPage };
