import type {
  CompanionLaunch,
  Connected,
  HeldProcess,
  LaunchedCompanion,
  LaunchPlan,
  QemuHost,
} from "../../../src/driver/qemu/index.ts";
import type { Loop, Transport } from "../../../src/event/index.ts";
import type { ProcessExit, ProcessIdentity } from "../../../src/os/index.ts";
import { FakeQemu } from "../../qmp/fake-qemu.ts";

/** A process that ends when the test says so; its end is told in a turn of its own, as the real one's is. */
export class FakeProcess implements HeldProcess {
  readonly identity: ProcessIdentity;
  readonly signals: string[] = [];
  onSignal: (signal: string) => void = () => {};
  /** What watching it fails with. */
  failure: Error | undefined;
  isClosed = false;
  #isEnding = false;
  #hasEnded = false;
  readonly #loop: Loop;
  #listener: ((exit: ProcessExit) => void) | undefined;

  constructor(loop: Loop, pid: number) {
    this.#loop = loop;
    this.identity = { pid, startTime: pid };
  }

  get isWatched(): boolean {
    return this.#listener !== undefined;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get isEnding(): boolean {
    return this.#isEnding || this.#hasEnded;
  }

  /** What the kernel does before the end is told. */
  beginToEnd(): void {
    this.#isEnding = true;
  }

  signal(signal: "SIGTERM" | "SIGKILL"): boolean {
    if (this.#hasEnded) return false;
    this.signals.push(signal);
    if (!this.#isEnding) this.onSignal(signal);
    return true;
  }

  onExit(listener: (exit: ProcessExit) => void): { remove(): void } {
    if (this.failure !== undefined) throw this.failure;
    this.#listener = listener;
    return {
      remove: () => {
        this.#listener = undefined;
      },
    };
  }

  close(): void {
    this.isClosed = true;
  }

  exit(exit: ProcessExit = { code: 0 }): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#loop.post(() => this.#listener?.(exit));
  }
}

/** One QEMU that does what the real one does, as far as `obeys` allows it. */
export class FakeGuest implements Connected {
  readonly process: FakeProcess;
  readonly transport: FakeQemu;
  readonly plan: LaunchPlan | undefined;
  words = "";

  constructor(loop: Loop, pid: number, obeys: boolean, plan?: LaunchPlan) {
    this.process = new FakeProcess(loop, pid);
    this.transport = new FakeQemu(loop);
    this.plan = plan;
    if (!obeys) return;
    this.transport.onCommand = ({ execute, id }) => loop.post(() => this.answer(execute, id));
    this.process.onSignal = (signal) => loop.post(() => this.end(signal));
    this.transport.onOpen = () => loop.post(() => this.transport.greet());
  }

  lastWords(): string {
    return this.words;
  }

  answer(command: string, id: number): void {
    const qemu = this.transport;
    if (command === "cont") qemu.event("RESUME");
    if (command === "stop") qemu.event("STOP");
    if (command === "query-status") qemu.reply({ status: "running", running: true }, id);
    else qemu.reply({}, id);
  }

  /** As QEMU ends on a signal. */
  end(signal: string): void {
    if (signal === "SIGTERM") this.transport.event("SHUTDOWN", { guest: false, reason: "host-signal" });
    this.transport.hangUp();
    this.process.exit(signal === "SIGTERM" ? { code: 0 } : { signal: "SIGKILL" });
  }
}

export class FakeHost implements QemuHost {
  readonly launched: FakeGuest[] = [];
  /** What `find` comes upon, by pid and without one. */
  readonly survivors = new Map<number, FakeGuest>();
  unrecorded: FakeGuest | undefined;
  obeys = true;
  /** Holds the next launches back. */
  gate: Promise<void> | undefined;
  failure: Error | undefined;
  readonly companions: { readonly launch: CompanionLaunch; readonly process: FakeProcess }[] = [];
  companionFailure: Error | undefined;
  /** What watching the next processes fails with. */
  watchFailure: Error | undefined;
  readonly #loop: Loop;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  get last(): FakeGuest {
    const guest = this.launched.at(-1);
    if (guest === undefined) throw new Error("nothing was launched");
    return guest;
  }

  async launch(plan: LaunchPlan): Promise<Connected> {
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    const guest = new FakeGuest(this.#loop, 1000 + this.launched.length, this.obeys, plan);
    guest.process.failure = this.watchFailure;
    this.launched.push(guest);
    return guest;
  }

  async launchCompanion(launch: CompanionLaunch): Promise<LaunchedCompanion> {
    if (this.companionFailure !== undefined) throw this.companionFailure;
    const process = new FakeProcess(this.#loop, 5000 + this.companions.length);
    // As these do, it ends when it is told to.
    process.onSignal = (signal) => this.#loop.post(() => process.exit({ signal: signal as NodeJS.Signals }));
    this.companions.push({ launch, process });
    return { process, lastWords: () => "its words" };
  }

  findCompanion(identity: ProcessIdentity | undefined, socket: string): HeldProcess | undefined {
    return this.companions.find(
      ({ launch, process }) =>
        !process.hasEnded &&
        (identity === undefined ? launch.socket === socket : process.identity.pid === identity.pid),
    )?.process;
  }

  connect(): Transport {
    throw new Error("there is nobody");
  }

  find(identity: ProcessIdentity | undefined): Connected | undefined {
    return identity === undefined ? this.unrecorded : this.survivors.get(identity.pid);
  }
}
