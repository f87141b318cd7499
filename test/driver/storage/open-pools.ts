import { join } from "node:path";
import { HostObjectRecords } from "../../../src/driver/objects/host-object-records.ts";
import { HostRunRecords } from "../../../src/driver/objects/host-run-records.ts";
import { HostPools } from "../../../src/driver/storage/host-pools.ts";
import { HostVolumes } from "../../../src/driver/storage/host-volumes.ts";
import { VolumeFiles } from "../../../src/driver/storage/volume-files.ts";
import type { Loop } from "../../../src/event/index.ts";
import type { ObjectEvent } from "../../../src/protocol/index.ts";
import { FakePrograms } from "./fake-programs.ts";

export interface OpenPoolsOptions {
  readonly loop: Loop;
  readonly programs?: FakePrograms;
  /** Of the machine. */
  readonly boot?: string;
  readonly tell?: (event: ObjectEvent) => void;
  readonly report: (error: unknown) => void;
}

/** Pools and volumes whose records are below `directory`. */
export async function openPools(
  directory: string,
  { loop, programs = new FakePrograms(), boot = "boot", tell = () => {}, report }: OpenPoolsOptions,
): Promise<{ pools: HostPools; volumes: HostVolumes }> {
  const records = new HostObjectRecords(join(directory, "kept"), report);
  const runs = new HostRunRecords(join(directory, "run"), boot, report);
  const pools = new HostPools({ loop, report, records, runs, tell });
  await pools.load();
  return { pools, volumes: new HostVolumes(pools, new VolumeFiles(programs)) };
}

/** The definition of one whose volumes are in `path`. */
export function poolXml(path: string, name = "p"): string {
  return `<pool type='dir'><name>${name}</name><target><path>${path}</path></target></pool>`;
}
