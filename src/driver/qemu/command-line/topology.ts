import type { GuestContext } from "./guest-context.ts";
import { optionText } from "./option-text.ts";
import { argument, command, type Part } from "./part.ts";
import { modelOf } from "./processor.ts";
import { failure, flag, number } from "./reading.ts";

interface Topology {
  readonly sockets: number;
  readonly dies: number;
  readonly cores: number;
  readonly threads: number;
}

/** How many processors there are at the start, how many there can be, and how they hang together. */
export function topology(context: GuestContext): Part[] {
  const { maxVcpus } = context.definition;
  const shape = shapeOf(context);
  const late = lateProcessors(context);
  const cpus = context.definition.vcpus - late.length;
  return [
    argument("-smp", optionText({ cpus, maxcpus: maxVcpus, ...shape })),
    ...late.map((id) =>
      command("device_add", { driver: `${typeOf(context)}-cpu`, id: `vcpu${id}`, ...placeOf(id, shape) }),
    ),
  ];
}

/** Without a word every processor is a socket of its own. */
function shapeOf({ root, definition }: GuestContext): Topology {
  const element = root.find("cpu", "topology");
  if (element === undefined) return { sockets: definition.maxVcpus, dies: 1, cores: 1, threads: 1 };
  const of = (name: string): number => number(element, name) ?? 1;
  const shape = { sockets: of("sockets"), dies: of("dies"), cores: of("cores"), threads: of("threads") };
  if (shape.sockets * shape.dies * shape.cores * shape.threads !== definition.maxVcpus) {
    throw failure("CPU topology doesn't match maximum vcpu count");
  }
  return shape;
}

/** Those that are there from the start and can be taken away again: they come in as if they were plugged in. */
function lateProcessors({ root }: GuestContext): number[] {
  const processors = root.first("vcpus")?.all("vcpu") ?? [];
  const late = processors.filter((each) => flag(each, "enabled") === true && flag(each, "hotpluggable") === true);
  return late.map((each) => number(each, "id") ?? 0).sort((one, other) => one - other);
}

function typeOf(context: GuestContext): string {
  const base = modelOf(context) ?? (context.arch === "i686" ? "qemu32" : "qemu64");
  return `${base}-${context.arch === "i686" ? "i386" : context.arch}`;
}

function placeOf(id: number, { dies, cores, threads }: Topology): { readonly [name: string]: number } {
  const [core, die] = [Math.floor(id / threads), Math.floor(id / threads / cores)];
  const [thread, socket] = [id % threads, Math.floor(die / dies)];
  return { "socket-id": socket, "die-id": die % dies, "core-id": core % cores, "thread-id": thread };
}
