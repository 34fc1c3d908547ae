/** Whether this is Node, and what comes with it. */

export const isNode = typeof process !== 'undefined' && !!process.versions?.node;

/**
 * A module of Node's own, by its whole name. Bundlers for browsers would put an empty module in the place of one that they see
 * imported, and warn of it; build.mjs marks this import as none of theirs.
 */
export const nodeModule = <Module>(name: `node:${string}`): Promise<Module> => import(name);
