/** Who one is to a server that asks. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Credentials, or how they are come by when they are asked for: from a keyring, or from the user. */
export type Auth = Credentials | (() => Promise<Credentials>);
