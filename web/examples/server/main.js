import { digits } from './component.js';

digits.start();
