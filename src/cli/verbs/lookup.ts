import {
  type Connection,
  type Domain,
  ErrorCode,
  type Network,
  type StoragePool,
  VirError,
  type Volume,
} from "../../open/index.ts";
import { type Given, PlainFailure } from "./verb.ts";

export const uuidShape = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$|^[0-9a-f]{32}$/i;

/** By id, uuid or name, in this order, as virsh does. Throws PlainFailure. */
export async function findDomain(connection: Connection, name: string): Promise<Domain> {
  const found =
    (isId(name) ? await unlessMissing(connection.domainLookupById(Number(name))) : undefined) ??
    (uuidShape.test(name) ? await unlessMissing(connection.domainLookupByUuid(name)) : undefined) ??
    (await unlessMissing(connection.domain(name)));
  if (found === undefined) throw new PlainFailure(`failed to get domain '${name}'`);
  return found;
}

/** A name may be of digits, too. */
function isId(name: string): boolean {
  return /^\d+$/.test(name) && Number(name) <= 0x7fff_ffff;
}

export async function findNetwork(connection: Connection, name: string): Promise<Network> {
  const found = uuidShape.test(name) ? await unlessMissing(connection.networkLookupByUuid(name)) : undefined;
  return found ?? (await explained(connection.networkLookupByName(name), `failed to get network '${name}'`));
}

export async function findPool(connection: Connection, name: string): Promise<StoragePool> {
  const found = uuidShape.test(name) ? await unlessMissing(connection.storagePoolLookupByUuid(name)) : undefined;
  return found ?? (await explained(connection.storagePoolLookupByName(name), `failed to get pool '${name}'`));
}

/** What is named by its uuid alone. */
export function findNetworkByUuid(connection: Connection, uuid: string): Promise<Network> {
  if (!uuidShape.test(uuid)) throw new PlainFailure(`failed to get network '${uuid}'`);
  return explained(connection.networkLookupByUuid(uuid), `failed to get network '${uuid}'`);
}

export function findPoolByUuid(connection: Connection, uuid: string): Promise<StoragePool> {
  if (!uuidShape.test(uuid)) throw new PlainFailure(`failed to get pool '${uuid}'`);
  return explained(connection.storagePoolLookupByUuid(uuid), `failed to get pool '${uuid}'`);
}

/** Throws PlainFailure in the words in which libvirt refuses what is no uuid: `api` is its function. */
export function checkUuid(uuid: string, what: string, api: string): void {
  if (!uuidShape.test(uuid))
    throw new PlainFailure(`failed to get ${what} '${uuid}'\nerror: uuidstr in ${api} must be a valid UUID`);
}

/** By name in its pool, key or path, in this order. `vol` and `pool` name the options. Throws PlainFailure. */
export async function findVolume(connection: Connection, given: Given, vol = "vol", pool = "pool"): Promise<Volume> {
  const name = given.need(vol);
  const place = given.text(pool);
  const inPool = place === undefined ? undefined : await findPool(connection, place);
  const found =
    (inPool === undefined ? undefined : await unlessMissing(inPool.volLookupByName(name))) ??
    (await unlessMissing(connection.storageVolLookupByKey(name)));
  if (found !== undefined) return found;
  const hint = place === undefined ? `, specifying --${pool} might help` : "";
  return explained(connection.storageVolLookupByPath(name), `failed to get vol '${name}'${hint}`);
}

/** Of these virsh tells the server's own words too, behind `what`. */
export async function explained<T>(looking: Promise<T>, what: string): Promise<T> {
  try {
    return await looking;
  } catch (error) {
    if (!(error instanceof VirError)) throw error;
    throw new PlainFailure(`${what}\nerror: ${error.message}`, { cause: error });
  }
}

const missing: readonly number[] = [
  ErrorCode.noDomain,
  ErrorCode.noNetwork,
  ErrorCode.noStoragePool,
  ErrorCode.noStorageVol,
];

async function unlessMissing<T>(looking: Promise<T>): Promise<T | undefined> {
  try {
    return await looking;
  } catch (error) {
    if (error instanceof VirError && missing.includes(error.code)) return undefined;
    throw error;
  }
}

/** Waits for it where a driver may not have it. */
export async function unlessUnsupported<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof VirError && error.code === ErrorCode.noSupport) return undefined;
    throw error;
  }
}
