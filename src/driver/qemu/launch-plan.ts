import { join } from "node:path";
import type { Definition } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { findBinary } from "./binary.ts";
import { type PartsOptions, planGuest } from "./command-line/index.ts";
import { prepareRun, type RunFacts } from "./definition/prepare-run.ts";
import { checkFiles, makeDirectory, makeVariables } from "./files.ts";
import type { LaunchPlan } from "./host.ts";
import type { RunRecords } from "./run-record.ts";

/** Where a guest's files are. */
export interface LaunchPlaces extends Pick<RunFacts, "nvramDirectory" | "freePort"> {
  readonly records: Pick<RunRecords, "monitorPath" | "channelDirectory">;
  readonly logDir: string;
  readonly stateDir: string;
}

/** How to launch a guest, when all that it needs is there. Rejects with VirError in libvirt's words. */
export async function planLaunch(given: Definition, places: LaunchPlaces): Promise<LaunchPlan> {
  const binary = findBinary(given);
  await checkFiles(given);
  const channelDirectory = places.records.channelDirectory(given.uuid);
  const definition = await prepareRun(given, { ...places, channelDirectory });
  const monitorPath = places.records.monitorPath(definition.uuid);
  const { args, environment, commands, variables, descriptors, companions } = planGuest(
    definition,
    partsOptions(definition, places),
  );
  for (const { name } of [...descriptors, ...companions]) throw noHelp(name);
  if (variables !== undefined) await makeVariables(variables);
  await makeDirectory(channelDirectory);
  if (Buffer.byteLength(monitorPath) > 107) throw tooLong(monitorPath);
  const logPath = join(places.logDir, `${definition.name}.log`);
  return { definition, binary, args, environment, commands, monitorPath, logPath };
}

/** What a guest's devices depend on beside its definition. */
export function partsOptions({ uuid }: Definition, places: Pick<LaunchPlaces, "records" | "stateDir">): PartsOptions {
  return {
    // The sockets of what serves it stand beside its monitor, under the same name.
    directory: places.records.monitorPath(uuid).replace(/\.monitor$/, ""),
    stateDirectory: join(places.stateDir, "guests", uuid),
    nowMs: Date.now(),
  };
}

function tooLong(path: string): VirError {
  const detail = `UNIX socket path '${path}' too long: choose a shorter directory for running guests`;
  return VirError.of(ErrorCode.internalError, ErrorDomain.qemu, detail);
}

function noHelp(name: string): VirError {
  const detail = `'${name}' needs a descriptor or a process of the host's, which this driver cannot provide`;
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}
