import type { Definition } from "../../../model/index.ts";
import { argumentsOf } from "./arguments.ts";
import { boot } from "./boot.ts";
import { clock } from "./clock.ts";
import type { MonitorCommand } from "./commands.ts";
import { commandToAdd } from "./commands.ts";
import type { Companion } from "./companion.ts";
import { allParts } from "./devices.ts";
import { filesystemCompanion } from "./filesystem.ts";
import { firmware, type VariableStore } from "./firmware.ts";
import { GuestContext, type PartsOptions } from "./guest-context.ts";
import { ioThreads } from "./io-threads.ts";
import { machine } from "./machine-options.ts";
import { memory } from "./memory.ts";
import { numa } from "./numa.ts";
import { escaped } from "./option-text.ts";
import { overridden, ownArguments, ownEnvironment } from "./own-arguments.ts";
import { argument, type DescriptorRequest, descriptorsOf, type Part } from "./part.ts";
import { processor } from "./processor.ts";
import { unsupported } from "./reading.ts";
import { systemInformation } from "./system-information.ts";
import { topology } from "./topology.ts";
import { tpmCompanion } from "./tpm.ts";

/** All that it takes to start a guest. */
export interface GuestPlan {
  /** For QEMU, one word each. */
  readonly args: readonly string[];
  /** To be set in QEMU's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** To be open in QEMU, in this order from `firstDescriptor` on. */
  readonly descriptors: readonly DescriptorRequest[];
  /** To be said on the monitor before the guest's processors run, in this order. */
  readonly commands: readonly MonitorCommand[];
  /** To serve before QEMU starts. */
  readonly companions: readonly Companion[];
  /** To be there before QEMU starts. */
  readonly variables: VariableStore | undefined;
}

/** The listening socket of the monitor. */
export const monitorDescriptor = 3;
/** Where the descriptors begin that a plan asks for. */
export const firstDescriptor = 4;

/**
 * How to start the guest of a live definition. The monitor listens on `monitorDescriptor`, and the guest's processors wait
 * for `cont`. Throws VirError for what this driver, or QEMU, cannot do.
 *
 * Values from the definition go into JSON, stand alone as an argument, or have their commas doubled: none can become an
 * option of its own, but those of `<qemu:commandline>`, which are meant to.
 */
export function planGuest(definition: Definition, options: PartsOptions): GuestPlan {
  const context = new GuestContext(definition, options);
  checkSupport(context);
  const { parts, variables } = partsOfGuest(context);
  const descriptors = parts.flatMap(descriptorsOf);
  const numbers = new Map(descriptors.map(({ name }, place) => [name, firstDescriptor + place]));
  const numberOf = (name: string): number => numbers.get(name) ?? -1;
  return {
    args: [...parts.flatMap((part) => argumentsOf(part, numberOf)), ...ownArguments(context.root)],
    environment: ownEnvironment(context.root),
    descriptors,
    commands: parts.filter(({ kind }) => kind === "command").map(commandToAdd),
    companions: companionsOf(context),
    variables,
  };
}

function partsOfGuest(context: GuestContext): {
  readonly parts: Part[];
  readonly variables: VariableStore | undefined;
} {
  const loader = firmware(context);
  const devices = overridden(allParts(context), context.root);
  const parts = [
    argument("-name", `guest=${escaped(context.definition.name)},debug-threads=on`),
    argument("-S"),
    ...loader.parts,
    ...machine(context, loader),
    ...processor(context),
    ...memory(context),
    ...topology(context),
    ...ioThreads(context),
    ...numa(context),
    argument("-uuid", context.definition.uuid),
    ...systemInformation(context),
    ...display(context),
    argument("-no-user-config"),
    argument("-nodefaults"),
    argument("-chardev", `socket,id=charmonitor,fd=${monitorDescriptor},server=on,wait=off`),
    argument("-mon", "chardev=charmonitor,id=monitor,mode=control"),
    ...clock(context),
    // The process stays when the guest powers off: what follows from it is the driver's to say.
    argument("-no-shutdown"),
    ...boot(context),
    ...devices,
    ...coreInformation(context),
    ...generation(context),
    argument("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"),
    argument("-msg", "timestamp=on"),
  ];
  return { parts, variables: loader.variables };
}

/** Without one QEMU would open a window. */
function display(context: GuestContext): Part[] {
  return context.all("graphics").length === 0 ? [argument("-display", "none")] : [];
}

function coreInformation({ root }: GuestContext): Part[] {
  const isWanted = root.find("features", "vmcoreinfo")?.attribute("state") === "on";
  return isWanted ? [{ kind: "device", properties: { driver: "vmcoreinfo" } }] : [];
}

/** By another number the guest sees that it has been copied, or gone back in time. */
function generation({ root }: GuestContext): Part[] {
  const genid = root.first("genid");
  if (genid === undefined) return [];
  const guid = genid.text.trim() || "auto";
  return [{ kind: "device", properties: { driver: "vmgenid", guid, id: "vmgenid0" } }];
}

function companionsOf(context: GuestContext): Companion[] {
  const all = [
    ...context.all("tpm").map((element) => tpmCompanion(element, context)),
    ...context.all("filesystem").map((element) => filesystemCompanion(element, context)),
  ];
  return all.filter((companion) => companion !== undefined);
}

/** A guest without something that its definition asks for would be a surprise. */
function checkSupport({ root, isX86, arch }: GuestContext): void {
  if (!isX86) throw unsupported(`guests of architecture '${arch}' are not supported`);
  for (const name of ["launchSecurity", "keywrap"]) {
    if (root.first(name) !== undefined) throw unsupported(`<${name}> is not supported`);
  }
}
