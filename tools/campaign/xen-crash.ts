import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { command } from "../../lab/xen/command.ts";
import { fetchedPackages } from "../../lab/xen/fetch.ts";
import { runInXen, whyNoLab } from "../../lab/xen/lab.ts";

/** Paravirtualised, of 16 MiB; "%d" becomes a number of its own. */
const build = { "type.pv": {}, max_vcpus: 1, max_memkb: 16_384, target_memkb: 16_384, kernel: "KERNEL" };
const guest = JSON.stringify({
  c_info: { type: "pv", name: "guest-%d" },
  b_info: { ...build, cmdline: "tick=500" },
});

/**
 * Whose a crash is that comes with one QEMU thread for each processor: the same work through us, in C with libxl alone, and
 * Node with neither, beside something that keeps this machine busy.
 */
export async function xenCrash(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      boots: { type: "string", default: "3" },
      rounds: { type: "string", default: "15" },
      threads: { type: "string", default: "multi" },
      cpu: { type: "string", default: "max,-smap,-smep,-umip" },
    },
  });
  const reason = whyNoLab();
  if (reason !== undefined) {
    console.error(`skipped: ${reason}`);
    return false;
  }
  const folder = mkdtempSync(join(tmpdir(), "virtwright-crash-"));
  try {
    const control = await buildControl(folder);
    const rounds = Number(values.rounds);
    const run = (name: string, work: string): string =>
      `${work} > "$XEN_LAB/${name}" 2>&1; echo "${name}: exit code $?, $(grep -c round "$XEN_LAB/${name}") rounds"`;
    const script = [
      run("C", `timeout -s KILL 600 ${control} 10 ${rounds} "$guest"`),
      run("ours", `timeout -s KILL 600 node test/integration/crash/rounds.ts 10 ${rounds} "$guest"`),
      run("alone", `timeout -s KILL 600 node test/integration/crash/alone.mjs ${4 * rounds}`),
    ];
    for (let boot = 1; boot <= Number(values.boots); boot++) {
      console.log(`boot ${boot}, thread=${values.threads}, -cpu ${values.cpu}`);
      const result = await runInXen(`guest='${guest}'\nguest=\${guest/KERNEL/$XEN_LAB_GUEST}\n${script.join("\n")}`, {
        timeoutMs: 1_900_000,
        cpus: 2,
        memoryMib: 1_536,
        threads: values.threads === "single" ? "single" : "multi",
        cpu: values.cpu,
        onOutput: (stream, text) => process[stream].write(text),
      });
      const { exitCode, cores, directory } = result;
      console.log(`exit code ${exitCode}, cores: ${cores.join(", ") || "none"}, in ${directory}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return true;
}

async function buildControl(folder: string): Promise<string> {
  const { root = "" } = fetchedPackages() ?? {};
  const libraries = join(root, "usr/lib/x86_64-linux-gnu");
  const source = fileURLToPath(new URL("../../test/integration/crash/control.c", import.meta.url));
  const places = [`-I${join(root, "usr/include")}`, `-L${libraries}`, `-Wl,-rpath-link,${libraries}`];
  const program = join(folder, "control");
  await command("gcc", ["-O2", "-Wall", ...places, "-o", program, source, "-lxenlight", "-lxentoollog"], folder);
  return program;
}
