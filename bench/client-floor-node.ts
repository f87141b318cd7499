import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";

/**
 * A client of the bench that does nothing but send bytes that were encoded before and wait for as many as come: what a
 * call takes in Node at least. Arguments: a socket, and files with what is said first and with the call. Each line on
 * standard input asks for so many calls; the answer is the median of them, in nanoseconds.
 */
const [path = "", helloFile = "", callFile = ""] = process.argv.slice(2);
const hello = readFileSync(helloFile);
const call = readFileSync(callFile);
let onReply = (): void => {};
const onread = {
  buffer: Buffer.allocUnsafe(65_536),
  callback: (): boolean => {
    onReply();
    return true;
  },
};
const socket = connect({ path, onread });
socket.resume();
await once(socket, "connect");
for (let at = 0; at < hello.length; at += hello.readUInt32BE(at)) {
  await new Promise<void>((resolve) => {
    onReply = resolve;
    socket.write(hello.subarray(at, at + hello.readUInt32BE(at)));
  });
}

for await (const line of createInterface(process.stdin)) {
  const took = await round(Number(line));
  process.stdout.write(`${took.toSorted((a, b) => a - b)[took.length >> 1]}\n`);
}
socket.destroy();

function round(count: number): Promise<number[]> {
  return new Promise((resolve) => {
    const took: number[] = [];
    let start = process.hrtime.bigint();
    onReply = () => {
      took.push(Number(process.hrtime.bigint() - start));
      if (took.length === count) return resolve(took);
      start = process.hrtime.bigint();
      socket.write(call);
    };
    socket.write(call);
  });
}
