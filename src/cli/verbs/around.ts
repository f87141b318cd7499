/** Where a verb writes. */
export interface Output {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
}

/** What a verb has around it beside the hypervisor. */
export interface Around extends Output {
  /** Somebody sees what is printed as it comes: it may move, and have colours. */
  readonly isWatched: boolean;
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  /** What Ctrl-C and SIGTERM are from here on, until it is disposed of. */
  interruption(): Interruption;
}

/** The wish to end what is under way. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
}

/** This process's own; `output` stands for the two streams where it is given, and nobody watches then. */
export function around(output?: Output): Around {
  return {
    out: output?.out ?? ((text) => void process.stdout.write(text)),
    error: output?.error ?? ((text) => void process.stderr.write(text)),
    isWatched: output === undefined && process.stdout.isTTY && process.stderr.isTTY,
    input: process.stdin,
    output: process.stdout,
    interruption,
  };
}

function interruption(): Interruption {
  const controller = new AbortController();
  const signals = ["SIGINT", "SIGTERM"] as const;
  const leave = (): void => {
    for (const name of signals) process.off(name, onSignal);
  };
  const onSignal = (): void => {
    // The second one ends the process.
    leave();
    controller.abort(new Interrupted());
  };
  for (const name of signals) process.on(name, onSignal);
  return { signal: controller.signal, [Symbol.dispose]: leave };
}

/** Somebody has said that it is to end. */
export class Interrupted extends Error {
  constructor(what = "interrupted; what was under way has been given up", options?: ErrorOptions) {
    super(what, options);
  }
}
