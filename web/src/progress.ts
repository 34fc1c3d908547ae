/** How far long work is. */
export interface Progress {
  /**
   * What is being done: 'download' and 'read' (sources, in bytes, from the network and from elsewhere), 'samples' of a comparison;
   * of a quantization 'calibration' (samples), 'weights' (pieces of them), 'measuring' (samples), and in mode 'mixed' 'search'
   * (assignments) and 'sensitivity' (nodes).
   */
  phase: string;
  /** How much of `total` is done, from 1 on. */
  done: number;
  /** How much there is in this phase; the same as `done` where nobody knows. */
  total: number;
}

/** What long work has of its caller. */
export interface Watch {
  /** Ends the work with an error of code 'aborted', and closes what it reads: downloads, the iterator of samples. */
  signal?: AbortSignal;
  /** Told after each piece of the work. What it throws ends the work. */
  onProgress?: (progress: Progress) => void;
}
