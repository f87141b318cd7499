import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { diskNumber } from "../../drive-places.ts";
import type { HostFiles } from "../../host-files.ts";
import { targetOf } from "../../qemu/devices-of.ts";
import { invalid } from "../errors.ts";

/** What disks have done since they were there. */
export interface BlockCounters {
  readonly rdReqs: bigint;
  readonly rdBytes: bigint;
  readonly wrReqs: bigint;
  readonly wrBytes: bigint;
  readonly flReqs: bigint;
  /** How often a request had to wait for room: what libvirt gives for errors. */
  readonly errs: bigint;
}

/** Linux counts in these, whatever the disk's own sectors are. */
const sectorBytes = 512n;

/**
 * As domain 0's kernel counts them, which serves disks of the driver "phy", and those that libxl leaves to it where none is
 * named. Rejects with VirError.
 */
export async function blockCounters(files: HostFiles, domid: number, disk: Element): Promise<BlockCounters> {
  const driver = disk.first("driver");
  const name = driver?.attribute("name");
  const format = driver?.attribute("type") ?? "raw";
  if (name !== undefined && name !== "phy") throw unsupported(`unsupported disk driver ${name}`);
  if (name === "phy" && format !== "raw") throw unsupported(`unsupported format ${format}`);
  const number = deviceNumber(targetOf(disk));
  if (number === undefined) throw invalid("cannot find device number");
  const path = `/sys/bus/xen-backend/devices/vbd-${domid}-${number}/statistics`;
  if (!(await files.exists(path))) {
    throw name === "phy" ? failed("cannot open bus path") : unsupported("unsupported disk driver qemu");
  }
  const read = async (counter: string): Promise<bigint> => {
    const text = (await files.text(`${path}/${counter}`)) ?? "";
    if (!/^\d+$/.test(text)) throw failed(`cannot read ${path}/${counter}`);
    return BigInt(text);
  };
  const counters = ["rd_req", "rd_sect", "wr_req", "wr_sect", "f_req", "oo_req"] as const;
  const [rdReqs = 0n, rdSectors = 0n, wrReqs = 0n, wrSectors = 0n, flReqs = 0n, errs = 0n] = await Promise.all(
    counters.map(read),
  );
  return { rdReqs, rdBytes: rdSectors * sectorBytes, wrReqs, wrBytes: wrSectors * sectorBytes, flReqs, errs };
}

/** Of several disks together. */
export function sumOf(all: readonly BlockCounters[]): BlockCounters {
  const sum = (of: (each: BlockCounters) => bigint): bigint => all.reduce((total, each) => total + of(each), 0n);
  return {
    rdReqs: sum(({ rdReqs }) => rdReqs),
    rdBytes: sum(({ rdBytes }) => rdBytes),
    wrReqs: sum(({ wrReqs }) => wrReqs),
    wrBytes: sum(({ wrBytes }) => wrBytes),
    flReqs: sum(({ flReqs }) => flReqs),
    errs: sum(({ errs }) => errs),
  };
}

/**
 * Xen's number of a disk (xen-vbd-interface(7)): the device numbers that Linux once had for such a name, and a form of its own
 * for what those have no room for. Undefined: there is none.
 */
export function deviceNumber(target: string): number | undefined {
  const disk = diskNumber(target);
  if (disk === undefined) return undefined;
  const partition = Number(/\d*$/.exec(target)?.[0]);
  if (target.startsWith("xvd")) {
    if (disk < 16 && partition < 16) return (202 << 8) | (disk << 4) | partition;
    return disk < 1 << 20 && partition < 256 ? (1 << 28) | (disk << 8) | partition : undefined;
  }
  if (target.startsWith("hd") && disk < 4 && partition < 64) {
    return ((disk < 2 ? 3 : 22) << 8) | ((disk & 1) << 6) | partition;
  }
  if (target.startsWith("sd") && disk < 16 && partition < 16) return (8 << 8) | (disk << 4) | partition;
  return undefined;
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.operationUnsupported, ErrorDomain.libxl, detail);
}

function failed(detail: string): VirError {
  return VirError.of(ErrorCode.operationFailed, ErrorDomain.libxl, detail);
}
