import { join } from "node:path";
import type { Definition } from "../../model/index.ts";
import { ownIdentity, type UserIdentity } from "../../os/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { Element } from "../../xml/index.ts";
import { ensure } from "../objects/element-edit.ts";
import { findBinary } from "./binary.ts";
import { type Capabilities, withHostModel } from "./capabilities/index.ts";
import { type GuestPlan, memoryDirectory, type PartsOptions, planGuest } from "./command-line/index.ts";
import { planCompanions } from "./companion-plan.ts";
import { prepareRun, type RunFacts } from "./definition/prepare-run.ts";
import { showSecurityLabels } from "./definition/security-labels.ts";
import { locateVolumes } from "./definition/volume-sources.ts";
import { checkFiles, makeDirectory, makeVariables } from "./files.ts";
import type { LaunchPlan } from "./host.ts";
import { type Descriptors, openDescriptors } from "./host-side/descriptors.ts";
import { nameTargets, settleInterfaces } from "./host-side/interface-sources.ts";
import type { SharedResources } from "./host-side/shared-resources.ts";
import { changed } from "./modification.ts";
import { letThrough, type RunRecords } from "./run-record.ts";
import { guestUser } from "./security/guest-user.ts";
import type { Loans } from "./security/loans.ts";
import { checkNoCpuLimits } from "./tuning/scheduler.ts";

/** Where a guest's files are, and what it may have of the host. */
export interface LaunchPlaces extends Pick<RunFacts, "nvramDirectory" | "freePort"> {
  readonly records: Pick<RunRecords, "monitorPath" | "channelDirectory" | "guestDirectory">;
  readonly logDir: string;
  readonly stateDir: string;
  readonly isFreePort: (port: number) => Promise<boolean>;
  readonly shared: SharedResources;
  readonly capabilities: Capabilities;
  /** Absent: nothing is given to QEMU's user. */
  readonly loans?: Pick<Loans, "lend">;
}

/**
 * How to launch a guest, when all that it needs is there: what it asks for of the host is open then. Rejects with VirError
 * in libvirt's words.
 */
export async function planLaunch(given: Definition, places: LaunchPlaces): Promise<LaunchPlan> {
  checkNoCpuLimits(given.root);
  const binary = findBinary(given);
  const ports: number[] = [];
  const freePort = async (first: number): Promise<number> => {
    const port = await places.freePort(first);
    ports.push(port);
    return port;
  };
  const definition = await settle(given, { ...places, freePort });
  const monitorPath = places.records.monitorPath(definition.uuid);
  const plan = planGuest(definition, partsOptions(definition, places));
  const { args, environment, commands } = plan;
  const { user } = guestUser(definition.root, places.capabilities.security);
  await makeFiles(definition, plan, user, places);
  for (const path of [monitorPath, ...plan.companions.map(({ socket }) => socket)]) checkLength(path);
  const { name } = definition;
  const companions = await planCompanions(plan.companions, { name, logDir: places.logDir, client: changedTo(user) });
  await places.loans?.lend(definition);
  const logPath = join(places.logDir, `${definition.name}.log`);
  // Last: whoever has the plan has what is open.
  const descriptors = await openDescriptors(plan.descriptors, places.shared.taps);
  const hasLostPort = async (): Promise<boolean> => {
    const free = await Promise.all(ports.map((port) => places.isFreePort(port)));
    return free.includes(false);
  };
  const shown = asShown(definition, descriptors);
  return {
    ...shown,
    companions,
    binary,
    args,
    environment,
    commands,
    monitorPath,
    logPath,
    hasLostPort,
    user: changedTo(user),
  };
}

/** The definition says what has been opened for it. */
function asShown(
  definition: Definition,
  { fds, targets, close }: Descriptors,
): Required<Pick<LaunchPlan, "definition" | "fds" | "release">> {
  try {
    const shown = edited(definition, (devices) => nameTargets(devices, targets));
    return { definition: shown, fds, release: close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Where its companions keep what they have for a guest. */
export function guestState(stateDir: string, uuid: string): string {
  return join(stateDir, "guests", uuid);
}

/** What a guest's devices depend on beside its definition. */
export function partsOptions(
  { uuid }: Definition,
  { records, stateDir, shared }: Pick<LaunchPlaces, "records" | "stateDir" | "shared">,
): PartsOptions {
  return {
    directory: records.guestDirectory(uuid),
    stateDirectory: guestState(stateDir, uuid),
    nowMs: Date.now(),
    secretOf: (secret) => shared.secretOf(secret),
  };
}

/** The definition of the run, with files in the place of volumes. */
async function settle(given: Definition, places: LaunchPlaces): Promise<Definition> {
  const { shared, records } = places;
  const files = edited(given, (devices) => locateVolumes(devices, (pool, volume) => shared.volumePath(pool, volume)));
  await checkFiles(files);
  const channelDirectory = records.channelDirectory(given.uuid);
  const known = await withHostModel(files, places.capabilities);
  const definition = await prepareRun(known, { ...places, channelDirectory });
  const labelled = changed(definition, (root) => showSecurityLabels(root, places.capabilities.security));
  return edited(labelled, (devices) => settleInterfaces(devices, (network) => shared.bridgeOf(network)));
}

function edited(definition: Definition, edit: (devices: Element) => void): Definition {
  return changed(definition, (root) => edit(ensure(root, "devices")));
}

/** Undefined where nobody has to become another. */
function changedTo(user: UserIdentity): UserIdentity | undefined {
  const own = ownIdentity();
  return user.uid === own.uid && user.gid === own.gid ? undefined : user;
}

async function makeFiles(
  { uuid }: Definition,
  plan: GuestPlan,
  user: UserIdentity,
  { records }: LaunchPlaces,
): Promise<void> {
  if (plan.variables !== undefined) await makeVariables(plan.variables);
  // What QEMU's user could change is never a way to what is ours.
  const own = records.guestDirectory(uuid);
  await makeDirectory(own);
  letThrough(own);
  for (const directory of [records.channelDirectory(uuid), join(own, memoryDirectory)])
    await makeDirectory(directory, changedTo(user));
}

function checkLength(path: string): void {
  if (Buffer.byteLength(path) <= 107) return;
  const detail = `UNIX socket path '${path}' too long: choose a shorter directory for running guests`;
  throw VirError.of(ErrorCode.internalError, ErrorDomain.qemu, detail);
}
