import type { Connection } from "../../open/index.ts";
import { type Element, element, parseXml, writeXml } from "../../xml/index.ts";
import { readText } from "./object-verbs.ts";
import { type Given, NoResult, PlainFailure, type Verbs } from "./verb.ts";

/** Processors in a file, wherever they stand: alone, one after the other, or in definitions and capabilities. */
function cpusIn(path: string): string[] {
  const text = readText(path).replace(/<\?xml.*?\?>/g, "");
  let root: Element;
  try {
    ({ root } = parseXml(`<container>${text}</container>`));
  } catch (error) {
    throw new PlainFailure(`Failed to parse XML '${path}'`, { cause: error });
  }
  const found = root
    .elements()
    .flatMap(cpusOf)
    .map((cpu) => writeXml(cpu));
  if (found.length === 0) {
    const places = "domain XML, host capabilities XML, or domain capabilities XML";
    throw new PlainFailure(`File '${path}' does not contain any <cpu> element or valid ${places}`);
  }
  return found;
}

function cpusOf(holder: Element): readonly Element[] {
  switch (holder.name) {
    case "cpu":
      return [holder];
    case "domain":
      return holder.all("cpu");
    case "capabilities":
      return holder.first("host")?.all("cpu") ?? [];
    case "domainCapabilities":
      return hostModels(holder);
    default:
      return [];
  }
}

/** What a hypervisor makes of the host's processor, as a processor. */
function hostModels(capabilities: Element): readonly Element[] {
  const modes = capabilities.first("cpu")?.all("mode") ?? [];
  return modes
    .filter((mode) => mode.attribute("name") === "host-model")
    .map((mode) => element("cpu", {}, mode.elements()));
}

/** VIR_CPU_COMPARE_*, from 0 on. */
type Sayings = readonly [incompatible: string, identical: string, superset: string];

/** Throws NoResult where the host's is less. */
function comparison(result: number, sayings: Sayings): string {
  const saying = sayings[result];
  if (saying === undefined) throw new PlainFailure("the answer is not known here");
  if (result === 0) throw new NoResult(`${saying}\n`);
  return `${saying}\n`;
}

async function compare(connection: Connection, given: Given): Promise<string> {
  const file = given.need("file");
  const [xml = ""] = cpusIn(file);
  const result = await connection.compareCpu(xml, { flags: given.words(comparing) });
  return comparison(result, [
    `CPU described in ${file} is incompatible with host CPU`,
    `CPU described in ${file} is identical to host CPU`,
    `Host CPU is a superset of CPU described in ${file}`,
  ]);
}

const comparing = { error: "failIncompatible", validate: "validateXml" } as const;
const completing = { features: "expandFeatures", migratable: "migratable" } as const;

function hypervisorOf(given: Given) {
  return {
    emulator: given.text("emulator"),
    arch: given.text("arch"),
    machine: given.text("machine"),
    virttype: given.text("virttype"),
  };
}

/** The rows of hypervisors have the bits of the host's, and no words for them. */
function bits(given: Given, first: string, second: string): number {
  return (given.has(first) ? 1 : 0) | (given.has(second) ? 2 : 0);
}

async function compareHypervisor(connection: Connection, given: Given): Promise<string> {
  const file = given.need("file");
  const [xmlCpu = ""] = cpusIn(file);
  const flags = bits(given, "error", "validate");
  const result = await connection.compareHypervisorCpu({ ...hypervisorOf(given), xmlCpu }, { flags });
  return comparison(result, [
    `CPU described in ${file} is incompatible with the CPU provided by hypervisor on the host`,
    `CPU described in ${file} is identical to the CPU provided by hypervisor on the host`,
    `The CPU provided by hypervisor on the host is a superset of CPU described in ${file}`,
  ]);
}

async function baselineHypervisor(connection: Connection, given: Given): Promise<string> {
  given.exclude("file", "model");
  const [file, model] = [given.text("file"), given.text("model")];
  if (file === undefined && model === undefined) throw new PlainFailure("Either --file or --model must be provided");
  const xmlCpus = model !== undefined ? [`<cpu><model>${model}</model></cpu>`] : file === undefined ? [] : cpusIn(file);
  const flags = bits(given, "features", "migratable");
  return connection.baselineHypervisorCpu({ ...hypervisorOf(given), xmlCpus }, { flags });
}

/** What people script about processors, and about what a hypervisor can do. */
export const cpuVerbs: Verbs = {
  "cpu-models": {
    help: "lists the models of processors of an architecture",
    parameters: ["arch"],
    failure: () => "failed to get CPU model names",
    show: async (connection, given) => {
      const models = await connection.getCpuModelNames(given.need("arch"));
      const text = models.map((model) => `${model}\n`).join("");
      return { text: text === "" ? "all CPU models are accepted\n" : text, object: models };
    },
  },
  "cpu-compare": {
    help: "compares a processor with the host's",
    parameters: ["file"],
    flags: Object.keys(comparing),
    failure: (given) => `Failed to compare host CPU with ${given.need("file")}`,
    run: compare,
  },
  "cpu-baseline": {
    help: "says what processor several hosts can give",
    parameters: ["file"],
    flags: Object.keys(completing),
    run: (connection, given) => connection.baselineCpu(cpusIn(given.need("file")), { flags: given.words(completing) }),
  },
  "hypervisor-cpu-compare": {
    help: "compares a processor with what the hypervisor gives on this host",
    parameters: ["file", "virttype?", "emulator?", "arch?", "machine?"],
    flags: Object.keys(comparing),
    failure: (given) => `Failed to compare hypervisor CPU with ${given.need("file")}`,
    run: compareHypervisor,
  },
  "hypervisor-cpu-baseline": {
    help: "says what processor several hypervisors can give",
    parameters: ["file?", "virttype?", "emulator?", "arch?", "machine?", "model?"],
    flags: Object.keys(completing),
    run: baselineHypervisor,
  },
  domcapabilities: {
    help: "shows what domains of a kind can have",
    parameters: ["virttype?", "emulatorbin?", "arch?", "machine?"],
    failure: () => "failed to get emulator capabilities",
    run: async (connection, given) => {
      const { emulator: _, ...kind } = hypervisorOf(given);
      return `${await connection.getDomainCapabilities({ ...kind, emulatorbin: given.text("emulatorbin") })}\n`;
    },
  },
  "pool-capabilities": {
    help: "shows what storage pools there can be",
    failure: () => "failed to get storage pool capabilities",
    run: async (connection) => `${await connection.getStoragePoolCapabilities()}\n`,
  },
  sysinfo: {
    help: "shows what the host's firmware says of it",
    failure: () => "failed to get sysinfo",
    run: async (connection) => connection.getSysinfo(),
  },
};
