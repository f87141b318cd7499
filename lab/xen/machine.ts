import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";

export interface MachineOptions {
  /** Memory of the whole machine; dom0 gets what `dom0MemoryMib` says, guests and Xen the rest. 0: it gets all there is. */
  readonly memoryMib?: number;
  readonly dom0MemoryMib?: number;
  readonly cpus?: number;
  /** QEMU's `-cpu`. PVH guests need nested paging, "+npt". */
  readonly cpu?: string;
  /** One thread of QEMU for all CPUs, or one for each: faster, less steady. */
  readonly threads?: "single" | "multi";
  /**
   * What time is in the machine: the host's, or 4 ns for each instruction, however busy the host is, so that measurements can be
   * compared; only waiting takes as long as it does.
   * With one thread only.
   */
  readonly clock?: "host" | "instructions";
  /** More words for Xen's command line, such as "loglvl=all guest_loglvl=all". */
  readonly xenArgs?: string;
}

export const defaultMachine: Required<MachineOptions> = {
  memoryMib: 1024,
  dom0MemoryMib: 512,
  cpus: 1,
  // Without rdrand dom0 has nothing to make random numbers of, and whoever wants one (a UUID, say) waits for seconds.
  cpu: "qemu64,+svm,+npt,+rdrand",
  threads: "single",
  clock: "host",
  xenArgs: "",
};

/**
 * A processor for libvirtd: its Xen driver does not open where all models that it has heard of have more features, and on one
 * of AMD's Xen takes `sep` away. No nested paging, and so no PVH guests.
 */
export const libvirtdsCpu = "qemu64,vendor=GenuineIntel,-svm,+rdrand";

export interface BootFiles {
  readonly xen: string;
  readonly vmlinux: string;
  readonly initramfs: string;
  /** Laid over the machine's own root. */
  readonly root: string;
  /** Written by dom0 for labs to come: what Node has compiled. */
  readonly compileCache: string;
  /** Read and written by both sides; the console's text is in `console.log`. */
  readonly exchange: string;
}

/**
 * A QEMU, emulating (never KVM), that boots Xen and dom0 as soon as it is made.
 *
 *     running -> ended
 *
 * ended: resolves once the process has ended, by itself or by `kill`.
 * kill:  ends it by its own handle; idempotent.
 */
export class Machine {
  readonly #process: ChildProcess;
  readonly ended: Promise<void>;

  constructor(files: BootFiles, options: MachineOptions) {
    const log = openSync(join(files.exchange, "console.log"), "w");
    try {
      // Whatever becomes of us, even by SIGKILL, no machine is left that nobody waits for.
      const args = ["--pdeathsig", "KILL", "qemu-system-x86_64", ...qemuArgs(files, options)];
      this.#process = spawn("setpriv", args, { stdio: ["ignore", log, log] });
    } finally {
      closeSync(log);
    }
    this.ended = once(this.#process, "exit").then(() => undefined);
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }
}

function qemuArgs(files: BootFiles, options: MachineOptions): string[] {
  const { memoryMib, dom0MemoryMib, cpus, cpu, threads, clock, xenArgs } = { ...defaultMachine, ...options };
  const memory = dom0MemoryMib === 0 ? "" : `dom0_mem=${dom0MemoryMib}M,max:${dom0MemoryMib}M`;
  // Nobody attacks a lab, and each of these costs an emulated machine a part of its start. What is left of `spec-ctrl` has
  // Xen switch vector registers with each processor: when it waits for their first use, they get mixed up here.
  const unguarded = "bootscrub=0 spec-ctrl=no,eager-fpu xpti=no";
  const xen = `console=com1 com1=115200,8n1 ${memory} ${unguarded} ${xenArgs}`;
  const dom0 = "console=hvc0 quiet loglevel=4 panic=-1 mitigations=off";
  const share = (tag: string, path: string, mode: string): string[] => [
    "-virtfs",
    `local,mount_tag=${tag},path=${commas(path)},security_model=none,multidevs=remap${mode}`,
  ];
  const accel = `tcg,thread=${threads}`;
  const initrd = `${commas(files.vmlinux)} ${dom0},${commas(files.initramfs)}`;
  const machine = ["-accel", accel, "-cpu", cpu, "-smp", String(cpus), "-m", String(memoryMib)];
  const devices = ["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"];
  const icount = clock === "instructions" ? ["-icount", "shift=2,sleep=on"] : [];
  const boot = ["-kernel", files.xen, "-append", xen, "-initrd", initrd];
  const shares = [
    share("host", "/", ",readonly=on"),
    share("tools", files.root, ",readonly=on"),
    share("cache", files.compileCache, ""),
    share("lab", files.exchange, ""),
  ];
  return [...machine, ...icount, ...devices, ...boot, ...shares.flat()];
}

/** A comma ends a value in QEMU's options, two are one. */
function commas(text: string): string {
  return text.replaceAll(",", ",,");
}
