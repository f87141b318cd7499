import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallContext } from "../../src/driver/driver.ts";
import { localContext } from "../../src/driver/local-context.ts";
import { helloDefinition, QemuDriver, type QemuDriverOptions } from "../../src/driver/qemu/index.ts";
import type { Loop } from "../../src/event/index.ts";
import { openLoop, openProcess } from "../../src/os/index.ts";
import type { Domain, LifecycleEvent } from "../../src/protocol/index.ts";

const missing = existsSync("/usr/bin/qemu-system-x86_64")
  ? false
  : "qemu-system-x86_64 is missing: sudo apt-get install qemu-system-x86";
export const bounded: { skip: string | false; timeout: number } = { skip: missing, timeout: 60_000 };

/** A driver with directories of its own, and all that it has told. */
export class Bench {
  readonly directory = mkdtempSync(join(tmpdir(), "vwq-"));
  readonly errors: unknown[] = [];
  readonly loop: Loop = openLoop({ onError: (error) => this.errors.push(error) });
  readonly events: string[] = [];
  /** QEMUs seen, to be ended by their number. */
  readonly pids = new Set<number>();
  #driver: QemuDriver | undefined;

  /** What the driver has on the loop without any guest. */
  idleSize = 0;

  static async open(context: TestContext, options: Partial<QemuDriverOptions> = {}): Promise<Bench> {
    const bench = new Bench();
    context.after(() => bench.close());
    await bench.openDriver(options);
    return bench;
  }

  async openDriver(options: Partial<QemuDriverOptions> = {}): Promise<void> {
    this.#driver = await QemuDriver.open(this.loop, {
      uri: "qemu:///system",
      stateDir: join(this.directory, "state"),
      runDir: join(this.directory, "run"),
      logDir: join(this.directory, "log"),
      ...options,
    });
    this.idleSize = this.loop.size;
    this.#driver.subscribe(({ event }) => {
      if (event.name === "lifecycle") this.events.push(nameOf(event));
      if (event.name === "reboot") this.events.push(`${event.dom.name} ${event.dom.id}: reboot`);
    });
  }

  /** As if the machine had booted since. */
  async forgetBoot(): Promise<void> {
    rmSync(join(this.directory, "run", "autostarted"));
  }

  get driver(): QemuDriver {
    return this.#driver ?? assert.fail("no driver");
  }

  get serialLog(): string {
    return join(this.directory, "serial.log");
  }

  /** What running guests have there. */
  get runFiles(): string[] {
    return readdirSync(join(this.directory, "run")).filter((name) => !["lock", "autostarted", "format"].includes(name));
  }

  define(xml = helloDefinition({ serialLog: this.serialLog })): Promise<Domain> {
    return call(this.driver, "domainDefineXml", { xml }).then(({ dom }) => dom);
  }

  async start(dom: Domain): Promise<number> {
    await call(this.driver, "domainCreate", { dom });
    return this.pid(dom);
  }

  pid({ uuid }: Domain): number {
    const { process } = JSON.parse(readFileSync(join(this.directory, "run", `${uuid}.json`), "utf8"));
    this.pids.add(process.pid);
    return process.pid;
  }

  async state(dom: Domain): Promise<[number, number]> {
    const { state, reason } = await call(this.driver, "domainGetState", { dom, flags: 0 });
    return [state, reason];
  }

  /** Waits for something that only QEMU decides when it happens. */
  async until(condition: () => boolean): Promise<void> {
    const deadline = this.loop.now() + 30_000;
    while (!condition()) {
      assert.ok(this.loop.now() < deadline, `not within 30 s; so far: ${this.events.join(", ")}`);
      await sleep(10);
    }
  }

  async close(): Promise<void> {
    await this.#driver?.close();
    for (const pid of this.pids) {
      const process = openProcess(pid);
      if (process !== undefined && commandOf(pid).includes("qemu-system")) process.signal("SIGKILL");
      process?.close();
    }
    await this.loop.close();
    rmSync(this.directory, { recursive: true });
    assert.deepEqual(this.errors, []);
  }
}

/** A process that is on its way out has no command line any more, but has not ended: its pidfd is silent still. */
export function hasEnded(pid: number): boolean {
  try {
    return /^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
}

export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

type Procedures = Required<QemuDriver["procedures"]>;

export async function call<N extends keyof Procedures>(
  driver: QemuDriver,
  name: N,
  args: Parameters<Procedures[N]>[0],
  context: Partial<CallContext> = {},
): Promise<Awaited<ReturnType<Procedures[N]>>> {
  const procedure = driver.procedures[name] as (args: unknown, context: CallContext) => unknown;
  const full = { ...localContext(), ...context };
  return (await procedure(args, full)) as Awaited<ReturnType<Procedures[N]>>;
}

export function nameOf({ dom, event, detail }: LifecycleEvent): string {
  const names = ["defined", "undefined", "started", "suspended", "resumed", "stopped", "shutdown"];
  return `${dom.name} ${dom.id}: ${names[event]} ${detail}`;
}

/** Powers the machine off through ACPI: out 0x604, 0x2000; hlt. */
export const powerOff = [0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xf4];
/** cli; lets ACPI see the power button: out 0x602, 0x100; and waits until it does: in 0x600, test ah, 1, jz. */
export const awaitButton = [
  0xfa, 0xba, 0x02, 0x06, 0xb8, 0x00, 0x01, 0xef, 0xba, 0x00, 0x06, 0xed, 0xf6, 0xc4, 0x01, 0x74, 0xfa,
];

/** Powers off when its button is pressed. */
export const powerOnButton: readonly number[] = [...awaitButton, ...powerOff];

/** A disk that boots into this code. */
export function bootable(path: string, code: readonly number[]): string {
  const sector = Buffer.alloc(65_536);
  sector.set(code);
  sector.set([0x55, 0xaa], 510);
  writeFileSync(path, sector);
  return `<disk type='file' device='disk'><source file='${path}'/><target dev='hda'/></disk>`;
}

export function withDevices(bench: Bench, devices: string): string {
  return helloDefinition({ serialLog: bench.serialLog }).replace("</devices>", `${devices}</devices>`);
}
