import type { Connection, Domain } from "../../open/index.ts";
import { cpuList, hostCpus, mapOf } from "./cpu-map.ts";
import { affected, affects } from "./domain-act.ts";
import { findDomain } from "./lookup.ts";
import { type Doing, type Given, type Listing, PlainFailure, type Verbs } from "./verb.ts";

const kib = 1024n;

/** A verb that changes how much there is of something, and says nothing. */
function setting(
  help: string,
  parameters: readonly string[],
  flags: readonly string[],
  todo: (domain: Domain, given: Given) => Promise<unknown>,
  failure?: (given: Given) => string,
): Doing {
  return {
    help,
    parameters: ["domain", ...parameters],
    flags: [...affects, ...flags],
    ...(failure !== undefined && { failure }),
    run: async (connection, given) => {
      await todo(await findDomain(connection, given.need("domain")), given);
      return "";
    },
  };
}

/** In KiB, rounded up. Throws PlainFailure. */
function kibOf(given: Given): bigint {
  const text = given.need("size");
  const bytes = given.bytes("size", kib);
  if (bytes === undefined) throw new PlainFailure(`Scaled numeric value '${text}' for <size> option is malformed`);
  return (bytes + kib - 1n) / kib;
}

async function setVcpus(domain: Domain, given: Given): Promise<void> {
  given.exclude("guest", "config");
  const flags = [...affected(given), ...given.all(["maximum", "guest", "hotpluggable"])];
  const count = given.number("count") ?? 0;
  if (count === 0) throw new PlainFailure("Can't set 0 processors for a VM");
  const isPlain = flags.length === 0 && !given.has("current");
  await domain.setVcpus(count, isPlain ? {} : { flags });
}

async function vcpucount(connection: Connection, given: Given): Promise<string> {
  given.exclude("live", "config");
  given.exclude("active", "maximum");
  given.exclude("guest", "config");
  const domain = await findDomain(connection, given.need("domain"));
  const wanted = given.all(["maximum", "active", "live", "config", "current", "guest"]);
  if (wanted.length > 0) {
    const flags = given.all(["maximum", "live", "config", "guest"]);
    return `${await domain.getVcpusFlags({ flags })}\n`;
  }
  const places = [
    ...((await domain.isPersistent()) ? (["config"] as const) : []),
    ...(domain.id === -1 ? [] : (["live"] as const)),
  ];
  const lines: string[] = [];
  for (const what of ["maximum", "current"] as const) {
    for (const place of places) {
      const flags = what === "maximum" ? (["maximum", place] as const) : ([place] as const);
      const count = String(await domain.getVcpusFlags({ flags }));
      lines.push(`${what.padEnd(12)} ${place.padEnd(12)} ${count.padStart(3)}\n`);
    }
  }
  return lines.join("");
}

/** Shows on which of the host's processors those of a domain may run, or says it. */
async function vcpupin(connection: Connection, given: Given): Promise<string | Listing> {
  const flags = affected(given);
  const domain = await findDomain(connection, given.need("domain"));
  const [vcpu, list] = [given.number("vcpu"), given.text("cpulist")];
  const cpus = await hostCpus(connection);
  if (list !== undefined) {
    if (vcpu === undefined) throw new PlainFailure("vcpupin: Missing vCPU number in pin mode.");
    const cpumap = mapOf(list, cpus);
    const isPlain = flags.length === 0 && !given.has("current");
    await domain.pinVcpu({ vcpu, cpumap }, isPlain ? {} : { flags });
    return "";
  }
  const maplen = Math.ceil(cpus / 8);
  const ncpumaps = await domain.getVcpusFlags({ flags: ["maximum", ...flags] });
  const { cpumaps, num } = await domain.getVcpuPinInfo({ ncpumaps, maplen }, { flags });
  const pins = Array.from({ length: num }, (_, at) => ({
    vcpu: at,
    cpus: cpuList(cpumaps.subarray(at * maplen, (at + 1) * maplen), cpus),
  })).filter((pin) => vcpu === undefined || pin.vcpu === vcpu);
  if (vcpu !== undefined && pins.length === 0)
    throw new PlainFailure(`vcpu ${vcpu} is out of range of live cpu count ${num}`);
  return {
    columns: ["VCPU", "CPU Affinity"],
    rows: pins.map((pin) => [String(pin.vcpu), pin.cpus]),
    objects: pins,
  };
}

async function emulatorpin(connection: Connection, given: Given): Promise<string> {
  const flags = affected(given);
  const domain = await findDomain(connection, given.need("domain"));
  const list = given.text("cpulist");
  const cpus = await hostCpus(connection);
  if (list !== undefined) {
    const cpumap = mapOf(list, cpus);
    await domain.pinEmulator(cpumap, { flags: places(flags) });
    return "";
  }
  const { cpumaps } = await domain.getEmulatorPinInfo(Math.ceil(cpus / 8), { flags: places(flags) });
  return `emulator: CPU Affinity\n----------------------------------\n       *: ${cpuList(cpumaps, cpus)}\n`;
}

/** The rows of emulators have no words for it. */
function places(flags: readonly ("live" | "config")[]): number {
  return (flags.includes("live") ? 1 : 0) | (flags.includes("config") ? 2 : 0);
}

const vcpuStates = ["offline", "running", "blocked"];

async function vcpuinfo(connection: Connection, given: Given): Promise<string> {
  const domain = await findDomain(connection, given.need("domain"));
  const cpus = await hostCpus(connection);
  const maplen = Math.ceil(cpus / 8);
  const affinity = (maps: Uint8Array, at: number): string => {
    const map = maps.subarray(at * maplen, (at + 1) * maplen);
    const marks = Array.from({ length: cpus }, (_, each) => (isIn(map, each) ? "y" : "-")).join("");
    return given.has("pretty") ? `${cpuList(map, cpus)} (out of ${cpus})` : marks;
  };
  if (!(await domain.isActive())) return vcpusOfDefinition(domain, maplen, affinity);
  const { info, cpumaps } = await domain.getVcpus({ maxinfo: (await domain.getInfo()).nrVirtCpu, maplen });
  return info
    .map(({ number, state, cpuTime, cpu }, at) => {
      const fields = [
        ["VCPU", String(number)],
        ["CPU", String(cpu)],
        ["State", vcpuStates[state] ?? "no state"],
        ...(cpuTime === 0n ? [] : [["CPU time", `${(Number(cpuTime / 100_000_000n) / 10).toFixed(1)}s`]]),
        ["CPU Affinity", affinity(cpumaps, at)],
      ];
      return fields.map(([name, value]) => `${`${name}:`.padEnd(16)}${value}\n`).join("");
    })
    .join("\n");
}

/** What is known of those of a domain that does not run. */
async function vcpusOfDefinition(
  domain: Domain,
  maplen: number,
  affinity: (maps: Uint8Array, at: number) => string,
): Promise<string> {
  const ncpumaps = (await domain.getInfo()).nrVirtCpu;
  const { cpumaps, num } = await domain.getVcpuPinInfo({ ncpumaps, maplen }, { flags: "config" });
  const none = "CPU:            N/A\nState:          N/A\nCPU time        N/A";
  return Array.from(
    { length: num },
    (_, at) => `VCPU:           ${at}\n${none}\nCPU Affinity:   ${affinity(cpumaps, at)}\n`,
  ).join("\n");
}

function isIn(map: Uint8Array, cpu: number): boolean {
  return (((map[cpu >> 3] ?? 0) >> (cpu & 7)) & 1) === 1;
}

/** What people script about processors and memory. */
export const tuningVerbs: Verbs = {
  setmem: setting("changes how much memory a domain has", ["size#"], [], (domain, given) => {
    const flags = affected(given);
    return domain.setMemory(kibOf(given), flags.length === 0 && !given.has("current") ? {} : { flags });
  }),
  setmaxmem: setting(
    "changes how much memory a domain may have",
    ["size#"],
    [],
    (domain, given) => {
      const flags = affected(given);
      const isPlain = flags.length === 0 && !given.has("current");
      return isPlain
        ? domain.setMaxMemory(kibOf(given))
        : domain.setMemoryFlags(kibOf(given), { flags: ["maximum", ...flags] });
    },
    () => "Unable to change MaxMemorySize",
  ),
  setvcpus: setting(
    "changes how many processors a domain has",
    ["count#"],
    ["maximum", "guest", "hotpluggable"],
    setVcpus,
  ),
  vcpucount: {
    help: "says how many processors a domain has",
    parameters: ["domain"],
    flags: ["maximum", "active", ...affects, "guest"],
    run: vcpucount,
  },
  vcpupin: {
    help: "shows or says where a domain's processors may run",
    parameters: ["domain", "vcpu?#", "cpulist?"],
    flags: affects,
    show: vcpupin,
  },
  emulatorpin: {
    help: "shows or says where a domain's hypervisor may run",
    parameters: ["domain", "cpulist?"],
    flags: affects,
    run: emulatorpin,
  },
  vcpuinfo: { help: "says what a domain's processors do", parameters: ["domain"], flags: ["pretty"], run: vcpuinfo },
};
