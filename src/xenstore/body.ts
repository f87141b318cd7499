import { XenstoreError } from "./errors.ts";

declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Strings as the wire has them, each ended by a NUL, followed by `rest` as it is. XenstoreError when one has a NUL. */
export function joinStrings(strings: readonly string[], rest: Uint8Array = new Uint8Array()): Uint8Array {
  for (const text of strings) {
    if (text.includes("\0")) throw new XenstoreError("EINVAL", `no NUL can stand in ${JSON.stringify(text)}`);
  }
  const head = bytesOf(strings.map((text) => `${text}\0`).join(""));
  const body = new Uint8Array(head.length + rest.length);
  body.set(head);
  body.set(rest, head.length);
  return body;
}

/** The strings of a body. One that is not ended, as in xenstored's shortest answers, counts too. */
export function splitStrings(body: Uint8Array): string[] {
  const strings = textOf(body).split("\0");
  if (strings.at(-1) === "") strings.pop();
  return strings;
}
