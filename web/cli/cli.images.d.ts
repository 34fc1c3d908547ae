// The decoders are a bundle of their own beside the command line's, loaded for the first picture.
export * from './images.js';
