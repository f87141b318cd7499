import { join } from "node:path";
import type { Definition } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { findBinary } from "./binary.ts";
import { planGuest } from "./command-line/index.ts";
import { checkFiles, makeVariables } from "./files.ts";
import type { LaunchPlan } from "./host.ts";
import type { RunRecords } from "./run-record.ts";

/** Where a guest's files are. */
export interface LaunchPlaces {
  readonly records: Pick<RunRecords, "monitorPath">;
  readonly logDir: string;
  readonly stateDir: string;
}

/** How to launch a guest, when all that it needs is there. Rejects with VirError in libvirt's words. */
export async function planLaunch(definition: Definition, places: LaunchPlaces): Promise<LaunchPlan> {
  const monitorPath = places.records.monitorPath(definition.uuid);
  const { args, environment, commands, variables, descriptors, companions } = planGuest(definition, {
    // The sockets of what serves it stand beside its monitor, under the same name.
    directory: monitorPath.replace(/\.monitor$/, ""),
    stateDirectory: join(places.stateDir, "guests", definition.uuid),
    nowMs: Date.now(),
  });
  const binary = findBinary(definition);
  await checkFiles(definition);
  for (const { name } of [...descriptors, ...companions]) throw noHelp(name);
  if (variables !== undefined) await makeVariables(variables);
  if (Buffer.byteLength(monitorPath) > 107) throw tooLong(monitorPath);
  const logPath = join(places.logDir, `${definition.name}.log`);
  return { binary, args, environment, commands, monitorPath, logPath };
}

function tooLong(path: string): VirError {
  const detail = `UNIX socket path '${path}' too long: choose a shorter directory for running guests`;
  return VirError.of(ErrorCode.internalError, ErrorDomain.qemu, detail);
}

function noHelp(name: string): VirError {
  const detail = `'${name}' needs a descriptor or a process of the host's, which this driver cannot provide`;
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}
