import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ArgsOf, type CallName, encodeMessage, MessageType, remote, Status } from "../src/protocol/index.ts";

type Rows = typeof remote.procedures;

/** What rpc-load is told to send: files of encoded calls below a directory. */
export class Frames {
  readonly #directory: string;
  #count = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Writes a file of its own, and returns its path. */
  write(calls: readonly Uint8Array[]): string {
    const path = join(this.#directory, `${++this.#count}.frames`);
    writeFileSync(path, Buffer.concat(calls));
    return path;
  }
}

/** One encoded call. */
export function callOf<N extends CallName<Rows>>(name: N, args: ArgsOf<Rows[N]>): Uint8Array {
  const { number, version, procedures } = remote;
  const row = procedures[name];
  const header = {
    program: number,
    version,
    procedure: row.number,
    type: MessageType.call,
    serial: 0,
    status: Status.ok,
  };
  return encodeMessage(header, row.args as never, args as never);
}

/** What a client says first. */
export function helloTo(uri: string): Uint8Array[] {
  return [callOf("authList", {}), callOf("connectOpen", { name: uri, flags: 0 })];
}

/** The domain that the test hypervisor has from the start. */
export const dom = { name: "test", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 1 };

/** A small definition, as many management programs write them. */
export function definition(index: number, type = "test"): string {
  const hex = index.toString(16).padStart(12, "0");
  const mac = (hex.slice(6).match(/../g) ?? []).join(":");
  return `<domain type='${type}'>
  <name>bench-${index}</name>
  <uuid>00000000-0000-4000-8000-${hex}</uuid>
  <memory unit='KiB'>262144</memory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/var/lib/images/bench-${index}.raw'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='network'>
      <mac address='52:54:00:${mac}'/>
      <source network='default'/>
    </interface>
  </devices>
</domain>
`;
}
