import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { completionFor } from "../../../src/driver/qemu/definition/complete.ts";
import { type Completion, Definition } from "../../../src/model/index.ts";
import { libvirtd, Teacher } from "../virsh/teacher.ts";

const qemu = "/usr/bin/qemu-system-x86_64";
const missing = [libvirtd, qemu, "/usr/bin/virsh", "/usr/bin/qemu-img", "/usr/share/OVMF/OVMF_CODE_4M.fd"].filter(
  (path) => !existsSync(path),
);
const packages = "qemu-system-x86 qemu-utils ovmf libvirt-clients libvirt-daemon";

/** Why there is no comparison here; false: there can be one. */
export const skip = missing.length === 0 ? false : `no ${missing.join(", ")}: apt-get install ${packages}`;

/** Definitions in which @DIR@ is a directory with images. */
const xmlDirectory = new URL("xml/", import.meta.url);

export const names: readonly string[] = readdirSync(xmlDirectory).map((name) => name.replace(".xml", ""));

/**
 * A libvirtd of our own, images for guests, and a completion that has the same places as it.
 *
 * open:  makes all of it.
 * close: ends the libvirtd and removes all.
 */
export class Workshop {
  // Short: sockets of guests are below it.
  readonly #directory = mkdtempSync(join(tmpdir(), "vd-"));
  readonly #teacher = new Teacher(join(this.#directory, "t"));
  readonly #images = join(this.#directory, "images");
  readonly libvirtDirectory = join(this.#directory, "t/XDG_CONFIG_HOME/libvirt/qemu");
  readonly nvramDirectory = join(this.libvirtDirectory, "nvram");
  readonly complete: Completion = completionFor({ version: qemuVersion(), nvramDirectory: this.nvramDirectory });

  get socket(): string {
    return this.#teacher.socket;
  }

  async open(): Promise<void> {
    chmodSync(this.#directory, 0o755);
    makeImages(this.#images);
    await this.#teacher.start();
  }

  async close(): Promise<void> {
    await this.#teacher.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** The example of that name. */
  given(name: string): string {
    return readFileSync(new URL(`${name}.xml`, xmlDirectory), "utf8").replaceAll("@DIR@", this.#images);
  }

  ours(name: string): Definition {
    return Definition.parse(this.given(name), this.complete);
  }

  /** Makes a file. Returns its path. */
  write(name: string, text: string): string {
    const path = join(this.#directory, name);
    writeFileSync(path, text);
    return path;
  }
}

function makeImages(directory: string): void {
  mkdirSync(directory);
  chmodSync(directory, 0o777);
  const create = (name: string, ...more: string[]): void => {
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", ...more], { cwd: directory, stdio: "ignore" });
    chmodSync(join(directory, name), 0o666);
  };
  for (const name of ["a.raw", "b.raw", "c.iso"]) {
    writeFileSync(join(directory, name), Buffer.alloc(1_048_576));
    chmodSync(join(directory, name), 0o666);
  }
  create("a.qcow2", "a.qcow2", "4M");
  create("base.qcow2", "-b", "a.raw", "-F", "raw", "base.qcow2", "4M");
  create("top.qcow2", "-b", "base.qcow2", "-F", "qcow2", "top.qcow2");
}

/** major * 1,000,000 + minor * 1,000 + release. */
function qemuVersion(): bigint {
  if (skip !== false) return 0n;
  const text = execFileSync(qemu, ["--version"], { encoding: "utf8" });
  const [, major = "0", minor = "0", release = "0"] = /version (\d+)\.(\d+)\.(\d+)/.exec(text) ?? [];
  return BigInt(major) * 1_000_000n + BigInt(minor) * 1_000n + BigInt(release);
}
