import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A guest without a QEMU: in a network namespace of its own it waits for the name and the address of the card that it
 * has been given, asks there for an address by DHCP, and prints it.
 */

process.stdout.write("ready\n");
const [line] = (await once(process.stdin, "data")) as [Buffer];
const [device = "", mac = ""] = String(line).trim().split(" ");
run("link", "set", "dev", device, "up");
process.stdout.write(`${await askForAddress()}\n`);

function run(...args: readonly string[]): void {
  execFileSync("ip", args);
}

/** Asks for an address as a card that has just been plugged in, and takes what is offered. */
async function askForAddress(): Promise<string> {
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  // A kernel wants an address of somebody who is to hear an answer.
  run("address", "add", "10.99.1.200/24", "dev", device);
  run("route", "add", "255.255.255.255", "dev", device);
  await new Promise<void>((resolve) => socket.bind(68, "0.0.0.0", resolve));
  socket.setBroadcast(true);
  const answer = (): Promise<Buffer> => new Promise((resolve) => socket.once("message", resolve));
  try {
    const offer = await ask(socket, answer, dhcp(1));
    const address = [...offer.subarray(16, 20)].join(".");
    const server = offer.subarray(offer.indexOf(Buffer.of(54, 4)) + 2).subarray(0, 4);
    const request = dhcp(3, [50, 4, ...offer.subarray(16, 20), 54, 4, ...server]);
    const acknowledged = await ask(socket, answer, request);
    assert.equal([...acknowledged.subarray(16, 20)].join("."), address);
    return address;
  } finally {
    socket.close();
  }
}

type Socket = ReturnType<typeof createSocket>;

/** A bridge port listens before it forwards: what is asked too early is asked again. */
async function ask(socket: Socket, answer: () => Promise<Buffer>, packet: Buffer): Promise<Buffer> {
  const answered = answer();
  for (let rounds = 0; rounds < 40; rounds++) {
    socket.send(packet, 67, "255.255.255.255");
    const got = await Promise.race([answered, sleep(250)]);
    if (got !== undefined) return got;
  }
  throw new Error("no DHCP server answers");
}

/** RFC 2131: a request of this kind (1: discover, 3: request), to be answered by broadcast. */
function dhcp(kind: number, options: readonly number[] = []): Buffer {
  const packet = Buffer.alloc(240);
  packet.set([1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, 0x80, 0]);
  packet.set(Buffer.from(mac.replaceAll(":", ""), "hex"), 28);
  packet.set([0x63, 0x82, 0x53, 0x63], 236);
  return Buffer.concat([packet, Buffer.from([53, 1, kind, ...options, 255]), Buffer.alloc(60)]);
}
