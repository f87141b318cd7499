import { accessSync, constants, existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { open } from "../../open/index.ts";
import { isInstalled } from "../installed.ts";
import { examine, findingsText, type Machine } from "./examine.ts";

const usage = `usage: virtwright doctor [--json]

What is missing on this machine, and the command that mends it. 0 when nothing is missing that is needed.
`;

export async function doctor(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: "boolean", default: false }, help: { type: "boolean", short: "h", default: false } },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const findings = await examine(thisMachine());
  process.stdout.write(values.json ? `${JSON.stringify(findings, undefined, 2)}\n` : findingsText(findings));
  return findings.some(({ state }) => state === "missing") ? 1 : 0;
}

function thisMachine(): Machine {
  return {
    platform: process.platform,
    arch: process.arch,
    nodeVersion: process.versions.node,
    isRoot: process.getuid?.() === 0,
    hasProgram: isInstalled,
    exists: existsSync,
    mayUse: (path) => {
      try {
        accessSync(path, constants.R_OK | constants.W_OK);
        return true;
      } catch {
        return false;
      }
    },
    loadNative: async () => {
      try {
        await import("../../os/index.ts");
        return undefined;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
    ask: async (uri) => {
      await using connection = await open(uri, { openTimeoutMs: 3_000, timeoutMs: 3_000, readOnly: true });
      const version = await connection.getLibVersion();
      const libvirt = `libvirt ${version / 1_000_000n}.${(version / 1_000n) % 1_000n}.${version % 1_000n}`;
      return connection.has("snapshot") ? "served by virtwright" : `served by ${libvirt}`;
    },
  };
}
