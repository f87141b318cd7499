const newline = 0x0a;

/** Cuts a stream of bytes into lines. */
export class MessageLines {
  #rest: Uint8Array[] = [];

  *push(bytes: Uint8Array): Generator<string> {
    let from = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, from)) {
      const parts = [...this.#rest, bytes.subarray(from, end)];
      this.#rest = [];
      from = end + 1;
      yield Buffer.concat(parts).toString();
    }
    // A copy: the transport may use its buffer again.
    if (from < bytes.length) this.#rest.push(Uint8Array.from(bytes.subarray(from)));
  }
}
