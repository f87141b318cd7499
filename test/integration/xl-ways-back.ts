import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configOf, definitionOf } from "../../src/driver/xen/configuration/index.ts";
import { completeDefinition } from "../../src/driver/xen/definition/complete.ts";
import { readConfig, writeConfig } from "../../src/driver/xen/native/index.ts";
import type { DomainConfig } from "../../src/libxl/index.ts";
import { Definition } from "../../src/model/index.ts";

const golden = join(import.meta.dirname, "../driver/xen/native/golden");

/** Files of xl's and xm's on the way back: each read, made a definition of, and written as a file of xl's again. */
export class XlWaysBack {
  readonly directory = mkdtempSync(join(tmpdir(), "xl-ways-back-"));
  readonly #written = new Map<string, DomainConfig>();

  constructor() {
    for (const name of readdirSync(golden).filter((each) => /\.x[lm]$/.test(each))) {
      const text = readFileSync(join(golden, name), "utf8");
      const { root } = definitionOf(readConfig(text, name.endsWith(".xm") ? "xm" : "xl"));
      const config = configOf(Definition.parse(Definition.of(root).toXml(), completeDefinition));
      writeFileSync(join(this.directory, name), writeConfig(config, "xl"));
      this.#written.set(name, config);
    }
  }

  get names(): readonly string[] {
    return [...this.#written.keys()];
  }

  /** Has xl read each, as if to create it: prints "--- NAME", and the guest as libxl would be told of it, or a complaint. */
  get command(): string {
    return `for file in ${this.directory}/*; do
  echo "--- \${file##*/}"
  xl create -n "$file" 2> /tmp/complaint || cat /tmp/complaint
done`;
  }

  /** What is wrong with what the command has printed, in words. */
  problemsIn(output: string): string[] {
    const read = new Map(
      output
        .split(/^--- /m)
        .slice(1)
        .map((part) => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n"))]),
    );
    return [...this.#written].flatMap(([name, config]) => {
      const text = read.get(name) ?? "xl did not come to it";
      try {
        const [theirs, ours] = [JSON.parse(text) as DomainConfig, config].map(gist);
        return theirs === ours ? [] : [`${name}: xl reads ${theirs}, and not ${ours}`];
      } catch {
        return [`${name}: ${text.trim()}`];
      }
    });
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }
}

/** What both say in the same words. */
function gist({ c_info, b_info, disks = [], nics = [] }: DomainConfig): string {
  const { name, uuid, type } = c_info ?? {};
  const targets = disks.map(({ vdev }) => vdev);
  const { max_memkb, max_vcpus } = b_info ?? {};
  return JSON.stringify({ name, uuid, type, max_memkb, max_vcpus, targets, macs: nics.map(({ mac }) => mac) });
}
