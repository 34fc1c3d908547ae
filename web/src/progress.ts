/** How far long work is. */
export interface Progress {
  /**
   * What is being done: 'download' and 'read' (sources, in bytes, from the network and from elsewhere), 'calibration' and 'samples'
   * (samples), 'weights', 'measuring', 'sensitivity', 'search' (steps).
   */
  phase: string;
  done: number;
  /** The same as `done` where nobody knows how much there will be. */
  total: number;
}

/** What long work has of its caller. */
export interface Watch {
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}
