import { parseArgs } from "node:util";
import { fetchPackages, missingPrograms } from "./fetch.ts";
import { type LabResult, runInXen } from "./lab.ts";
import { defaultMachine } from "./machine.ts";

const usage = `usage: npm run lab:xen -- [options] 'command'

Boots Xen in QEMU, runs the command in its dom0 with bash, and ends with the command's exit code.

  --fetch            fetch Debian's packages (77 MB, into node_modules/.cache) if apt knows newer ones, and run nothing
  --timeout SECONDS  from the start of the machine to its end (600)
  --memory MIB       of the machine (${defaultMachine.memoryMib}), --dom0-memory MIB of it for dom0 (${defaultMachine.dom0MemoryMib}; 0: all)
  --cpus N           of the machine (1)
  --cpu MODEL        QEMU's -cpu (${defaultMachine.cpu})
  --multi            one thread of QEMU for each CPU: faster, less steady
  --xen WORDS        more words for Xen's command line
  --console          print what Xen and dom0's kernel say
  --keep             leave the folder with console, logs and cores also when all went well
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: "boolean", short: "h" },
    fetch: { type: "boolean" },
    timeout: { type: "string", default: "600" },
    memory: { type: "string", default: String(defaultMachine.memoryMib) },
    "dom0-memory": { type: "string", default: String(defaultMachine.dom0MemoryMib) },
    cpus: { type: "string", default: String(defaultMachine.cpus) },
    cpu: { type: "string", default: defaultMachine.cpu },
    multi: { type: "boolean", default: false },
    xen: { type: "string", default: "" },
    console: { type: "boolean" },
    keep: { type: "boolean" },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  const reason = missingPrograms();
  if (reason !== undefined) return complain(reason);
  if (values.fetch === true) return fetchOnly();
  const [command] = positionals;
  if (values.help === true || command === undefined || positionals.length > 1) {
    process.stdout.write(usage);
    return values.help === true ? 0 : 2;
  }
  return finish(await run(command));
}

/** Tests run without the lab where this fails, and say so. */
async function fetchOnly(): Promise<number> {
  try {
    await fetchPackages();
    return 0;
  } catch (error) {
    return complain(`the Xen lab's packages could not be fetched: ${String(error)}`);
  }
}

function run(command: string): Promise<LabResult> {
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => interrupted.abort());
  return runInXen(command, {
    timeoutMs: Number(values.timeout) * 1_000,
    memoryMib: Number(values.memory),
    dom0MemoryMib: Number(values["dom0-memory"]),
    cpus: Number(values.cpus),
    cpu: values.cpu,
    threads: values.multi ? "multi" : "single",
    xenArgs: values.xen,
    signal: interrupted.signal,
    onOutput: (stream, text) => process[stream].write(text),
  });
}

function finish(result: LabResult): number {
  const { exitCode, cores, times, directory } = result;
  if (exitCode === undefined || values.console === true) process.stderr.write(result.console);
  if (exitCode === undefined) complain(result.endedEarly ? "ended early" : "the machine ended before the command");
  if (cores.length > 0) complain(`crashed in dom0: ${cores.join(", ")}`);
  complain(
    Object.entries(times)
      .map(([what, seconds]) => `${what} ${seconds} s`)
      .join(", "),
  );
  if (exitCode === 0 && cores.length === 0 && values.keep !== true) result.remove();
  else complain(`left in ${directory}`);
  return exitCode ?? 1;
}

function complain(text: string): number {
  process.stderr.write(`lab: ${text}\n`);
  return 1;
}
