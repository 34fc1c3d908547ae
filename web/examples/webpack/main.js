import { fillPage } from '../app/page.js';

fillPage();
