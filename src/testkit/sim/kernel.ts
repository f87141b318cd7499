import { type Readiness, Ready } from "../../event/index.ts";

/** An open file: ready or not, whatever descriptors name it. */
export class SimFile {
  readonly name: string;
  /** Cannot be watched, like a regular file: refused, or always ready for a watch that accepts that. */
  readonly unwatchable: boolean;
  ready: Readiness = Ready.none;

  constructor(name: string, options: { readonly unwatchable?: boolean } = {}) {
    this.name = name;
    this.unwatchable = options.unwatchable ?? false;
  }

  /** Reads what there is, as a non-blocking read would: false when nothing was there. */
  read(): boolean {
    const had = (this.ready & Ready.readable) !== 0;
    this.ready &= ~Ready.readable;
    return had;
  }
}

/** Descriptor numbers as Unix gives them: the lowest that is free, so a closed number comes back at once. */
export class SimKernel {
  readonly #files = new Map<number, SimFile>();

  get size(): number {
    return this.#files.size;
  }

  open(file: SimFile): number {
    let fd = 3;
    while (this.#files.has(fd)) fd++;
    this.#files.set(fd, file);
    return fd;
  }

  close(fd: number): void {
    if (!this.#files.delete(fd)) throw new Error(`close: fd ${fd} is not open`);
  }

  file(fd: number): SimFile | undefined {
    return this.#files.get(fd);
  }
}
