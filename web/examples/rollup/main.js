import { env } from 'octet-web';
import { fillPage } from '../app/page.js';

// This bundler leaves addresses as they are written, so the page says where its build has put the engine.
env.wasm.wasmPaths = 'octet/';
fillPage();
