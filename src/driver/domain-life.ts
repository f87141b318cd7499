/** Where a driver keeps what belongs to its domains. */
export interface DomainDirectories {
  /** Images that the next start takes up. */
  readonly save: string;
  /** Memory of guests that have crashed. */
  readonly dump: string;
  /** Links to the definitions that start by themselves. */
  readonly autostart: string;
  /** What vanishes with the next boot. */
  readonly run: string;
}

export interface StartOptions {
  readonly paused?: boolean;
  /** From the beginning, even if it has been saved: what was saved is gone then. */
  readonly forceBoot?: boolean;
}
