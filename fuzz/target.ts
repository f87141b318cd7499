/** Something that must stand any input. */
export interface Target {
  readonly name: string;
  /** Parts that inputs are made of, put in now and then. */
  readonly dictionary: readonly Uint8Array[];
  /** Throws, or rejects, when the input shows a defect. */
  check(input: Uint8Array): void | Promise<void>;
}
