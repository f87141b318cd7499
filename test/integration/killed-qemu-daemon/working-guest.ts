import { readFileSync } from "node:fs";
import type { Random } from "../../../fuzz/random.ts";
import { type Domain, DomainReason, DomainState } from "../../../src/protocol/index.ts";
import type { DaemonClient } from "../killed-daemon/daemon-client.ts";
import { wrongIn } from "../killed-daemon/history.ts";
import { PluggedDevices } from "./plugged-devices.ts";
import type { FoundQemu } from "./qemu-processes.ts";

export interface WorkingGuestOptions {
  readonly name: string;
  readonly uuid: string;
  readonly random: Random;
  /** Where it is saved to. */
  readonly saveFile: string;
  readonly serialLog: string;
  /** Its images are beside this. */
  readonly imagePath: string;
  readonly onFound: (sentence: string) => void;
  readonly onCall: (isConfirmed: boolean) => void;
  /** Its QEMU has ended while it was asked for something else: `judge` sees to it that this was told, and once. */
  readonly onCrash: (sentence: string) => void;
}

type Action =
  | "start"
  | "save"
  | "restore"
  | "managed save"
  | "destroy"
  | "suspend"
  | "resume"
  | "dump"
  | "attach or detach";

/** As often as everything else together. */
const plugging: readonly Action[] = Array<Action>(6).fill("attach or detach");

/**
 * A guest that one client takes through its life, whatever becomes of the daemon; and what must be true of it when the
 * next daemon serves.
 */
export class WorkingGuest {
  readonly #options: WorkingGuestOptions;
  #calls = 0;

  readonly #devices: PluggedDevices;

  constructor(options: WorkingGuestOptions) {
    this.#options = options;
    this.#devices = new PluggedDevices(this.dom, options.imagePath, options.onFound);
  }

  get uuid(): string {
    return this.#options.uuid;
  }

  get dom(): Domain {
    return { name: this.#options.name, uuid: this.uuid, id: -1 };
  }

  get xml(): string {
    const { name, serialLog } = this.#options;
    return `<domain type='qemu'><name>${name}</name><uuid>${this.uuid}</uuid><memory unit='MiB'>16</memory>
      <os><type>hvm</type></os><features><acpi/></features>
      <devices><controller type='scsi' model='virtio-scsi'/><controller type='virtio-serial'/><serial type='file'><source path='${serialLog}'/></serial><memballoon model='none'/></devices></domain>`;
  }

  async define({ call }: DaemonClient): Promise<void> {
    await call.domainDefineXml({ xml: this.xml });
  }

  /** One thing after the other until the daemon is gone. */
  async work(client: DaemonClient): Promise<void> {
    const { random, onCall, onCrash, onFound, name } = this.#options;
    while (client.isOpen) {
      const action = await this.#choose(client, random);
      if (action === undefined) return;
      this.#calls++;
      try {
        await this.#do(client, action);
        onCall(true);
      } catch (error) {
        if (!client.isOpen) return;
        onCall(false);
        const failure = `${name}: ${action} (call ${this.#calls}) fails: ${(error as Error).message}`;
        if (await this.#hasCrashed(client)) {
          this.#devices.forget();
          onCrash(failure);
          continue;
        }
        // What the guest is may have changed between looking and doing, but by nobody but this client.
        onFound(failure);
        return;
      }
    }
  }

  async #hasCrashed(client: DaemonClient): Promise<boolean> {
    const now = await client.call.domainGetState({ dom: this.dom, flags: 0 }).catch(() => undefined);
    return now?.state === DomainState.shutoff && now.reason === DomainReason.shutoff.crashed;
  }

  async #choose(client: DaemonClient, random: Random): Promise<Action | undefined> {
    const { dom } = this;
    try {
      const { state } = await client.call.domainGetState({ dom, flags: 0 });
      if (state === DomainState.shutoff) {
        return random.pick(readSave(this.#options.saveFile) === "complete" ? ["start", "restore"] : ["start"]);
      }
      if (state === DomainState.paused) return random.pick(["resume", "save", "destroy", "managed save", ...plugging]);
      return random.pick(["save", "destroy", "suspend", "managed save", "destroy", "dump", ...plugging]);
    } catch (error) {
      if (client.isOpen) throw error;
      return undefined;
    }
  }

  async #do(client: DaemonClient, action: Action): Promise<void> {
    const { dom } = this;
    const { call } = client;
    const { saveFile, random } = this.#options;
    if (action === "attach or detach") {
      const step = await this.#devices.choose(client, (all) => random.pick(all) ?? fail());
      return this.#devices.take(client, step);
    }
    if (!["suspend", "resume", "dump"].includes(action)) this.#devices.forget();
    if (action === "start") await call.domainCreate({ dom });
    else if (action === "save") await call.domainSave({ dom, to: saveFile });
    else if (action === "restore") await call.domainRestore({ from: saveFile });
    else if (action === "managed save") await call.domainManagedSave({ dom, flags: 0 });
    else if (action === "destroy") await call.domainDestroy({ dom });
    else if (action === "suspend") await call.domainSuspend({ dom });
    else if (action === "resume") await call.domainResume({ dom });
    else await call.domainCoreDump({ dom, to: `${saveFile}.core`, flags: 16 });
  }

  /** Whether its devices are what was confirmed, and what its QEMU has; of a guest that runs. */
  async judgeDevices(client: DaemonClient): Promise<void> {
    await this.#devices.judge(client);
  }

  /** Whether what the daemon says, what is there and what was told agree. */
  judge(
    state: number,
    qemus: readonly FoundQemu[],
    told: readonly string[],
    record: { pid: number } | undefined,
  ): void {
    const { name, onFound, saveFile } = this.#options;
    const mine = qemus.filter(({ uuid }) => uuid === this.uuid);
    const runs = state !== DomainState.shutoff;
    if (mine.length > 1) onFound(`${name} runs ${mine.length} times`);
    if (runs && mine.length === 0) onFound(`${name} is said to be in state ${state}, and there is no QEMU`);
    if (!runs && mine.length > 0) onFound(`${name} is said to be off, and there is a QEMU (pid ${mine[0]?.pid})`);
    if (runs && mine[0]?.pid !== record?.pid)
      onFound(`${name} runs as ${mine[0]?.pid}, and its record says ${record?.pid}`);
    if (!runs && record !== undefined) onFound(`${name} is off, and its record is left`);
    // What a kill has made untold is told by the next daemon, or never was.
    for (const sentence of wrongIn(told, runs)) onFound(`${name} ${sentence}`);
    if (readSave(saveFile) === "partial") onFound(`${name}: half a save is left`);
  }
}

function fail(): never {
  throw new TypeError("nothing to choose from");
}

function readSave(path: string): "none" | "partial" | "complete" {
  try {
    return readFileSync(path, "latin1").startsWith("LibvirtQemudSave") ? "complete" : "partial";
  } catch {
    return "none";
  }
}
