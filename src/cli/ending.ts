export interface EndingOptions {
  readonly signals: readonly NodeJS.Signals[];
  /** Hears every signal after the first. Default: they change nothing. */
  readonly onAgain?: (signal: NodeJS.Signals) => void;
}

/** Resolves with the first of these signals; from now on none of them ends the process by itself. */
export function ending({ signals, onAgain }: EndingOptions): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let told = false;
    for (const signal of signals) {
      process.on(signal, () => {
        if (told) onAgain?.(signal);
        told = true;
        resolve(signal);
      });
    }
  });
}
