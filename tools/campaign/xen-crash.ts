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
 * Node with neither; and whether vector registers keep what is in them while guests come and go. True when nothing crashed
 * and nothing was lost.
 */
export async function xenCrash(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      boots: { type: "string", default: "3" },
      rounds: { type: "string", default: "15" },
      threads: { type: "string", default: "multi" },
      cpus: { type: "string", default: "2" },
      cpu: { type: "string", default: "max,-smap,-smep,-umip" },
      xen: { type: "string", default: "" },
      only: { type: "string", default: "C,ours,alone,registers" },
    },
  });
  const reason = whyNoLab();
  if (reason !== undefined) {
    console.error(`skipped: ${reason}`);
    return false;
  }
  const folder = mkdtempSync(join(tmpdir(), "virtwright-crash-"));
  let isClean = true;
  try {
    const script = await commands(folder, values.only.split(","), Number(values.rounds));
    for (let boot = 1; boot <= Number(values.boots); boot++) {
      console.log(`boot ${boot}, thread=${values.threads}, -cpu ${values.cpu}, Xen's ${values.xen || "default"}`);
      const { exitCode, cores, directory } = await runInXen(script, {
        timeoutMs: 1_900_000,
        cpus: Number(values.cpus),
        memoryMib: 1_536,
        threads: values.threads === "single" ? "single" : "multi",
        cpu: values.cpu,
        xenArgs: values.xen,
        onOutput: (stream, text) => process[stream].write(text),
      });
      isClean &&= exitCode === 0 && cores.length === 0;
      console.log(`exit code ${exitCode}, cores: ${cores.join(", ") || "none"}, in ${directory}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return isClean;
}

/** For dom0's shell: each work by its name, with what it has come to, and an exit code of 1 when one has failed. */
async function commands(folder: string, names: readonly string[], rounds: number): Promise<string> {
  const control = await compile(folder, "control", "-lxenlight", "-lxentoollog");
  const registers = await compile(folder, "registers");
  const works: Readonly<Record<string, string>> = {
    C: `timeout -s KILL 600 ${control} 10 ${rounds} "$guest"`,
    ours: `timeout -s KILL 600 node test/integration/crash/rounds.ts 10 ${rounds} "$guest"`,
    alone: `timeout -s KILL 600 node test/integration/crash/alone.mjs ${4 * rounds}`,
    // Its guests stay when it is ended: the others' have other names.
    registers: `{ timeout 600 ${control} 10 1000 "\${guest/guest-/busy-}" & ${registers} 3 180; code=$?; kill $!; (exit $code); }`,
  };
  const lines = names.map((name) => {
    const work = works[name];
    if (work === undefined) throw new Error(`there is no "${name}": --only ${Object.keys(works).join(",")}`);
    const report = `"${name}: exit code $code, $(grep -c round "$XEN_LAB/${name}") rounds, $(grep -c lost "$XEN_LAB/${name}") lines of losses"`;
    return `${work} > "$XEN_LAB/${name}" 2>&1; code=$?; [ $code = 0 ] || failed=1; echo ${report}`;
  });
  return ["failed=0", `guest='${guest}'`, `guest=\${guest/KERNEL/$XEN_LAB_GUEST}`, ...lines, "exit $failed"].join("\n");
}

/** A program of the folder "crash", for dom0. */
async function compile(folder: string, name: string, ...libraries: readonly string[]): Promise<string> {
  const { root = "" } = fetchedPackages() ?? {};
  const library = join(root, "usr/lib/x86_64-linux-gnu");
  const source = fileURLToPath(new URL(`../../test/integration/crash/${name}.c`, import.meta.url));
  const places = [`-I${join(root, "usr/include")}`, `-L${library}`, `-Wl,-rpath-link,${library}`];
  const program = join(folder, name);
  await command("gcc", ["-O2", "-Wall", ...places, "-o", program, source, ...libraries], folder);
  return program;
}
