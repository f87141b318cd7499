import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import type { Element } from "../xml/index.ts";

/** A disk of the guest, as far as its image is a file. */
export interface DiskDefinition {
  /** "disk", "cdrom", "floppy" or "lun". */
  readonly device: string;
  /** Where the image is: "file", "block", "network", ... */
  readonly type: string;
  /** Absent: an empty drive. */
  readonly file: string | undefined;
  /** The image's format: "raw", "qcow2", ... */
  readonly format: string;
  /** The name the guest may give it: "vda". */
  readonly target: string;
  readonly bus: string;
  readonly readOnly: boolean;
}

/** Throws VirError, worded and numbered as libvirt's. */
export function readDisks(elements: readonly Element[]): DiskDefinition[] {
  const disks = new Map<string, DiskDefinition>();
  for (const disk of elements.map(readDisk)) {
    const other = disks.get(disk.target);
    if (other !== undefined) throw duplicate(other, disk);
    disks.set(disk.target, disk);
  }
  return [...disks.values()];
}

function readDisk(element: Element): DiskDefinition {
  const device = element.attribute("device") ?? "disk";
  const file = element.first("source")?.attribute("file");
  const target = element.first("target");
  const name = target?.attribute("dev");
  if (name === undefined) throw noTarget(file);
  return {
    device,
    type: element.attribute("type") ?? "file",
    file,
    format: element.first("driver")?.attribute("type") ?? "raw",
    target: name,
    bus: target?.attribute("bus") ?? busOf(name),
    readOnly: device === "cdrom" || element.first("readonly") !== undefined,
  };
}

const buses: Readonly<Record<string, string>> = {
  hd: "ide",
  sd: "scsi",
  vd: "virtio",
  xvd: "xen",
  ubd: "uml",
  fd: "fdc",
};

/** What the name says when nothing else does. */
function busOf(target: string): string {
  const bus = buses[/^(hd|sd|vd|xvd|ubd|fd)[a-z]+\d*$/.exec(target)?.[1] ?? ""];
  if (bus !== undefined) return bus;
  throw failure(`Unknown disk name '${target}' and no address specified`);
}

function duplicate(one: DiskDefinition, other: DiskDefinition): VirError {
  const sources = `'${one.file ?? ""}' and '${other.file ?? ""}'`;
  return failure(`target '${one.target}' duplicated for disk sources ${sources}`);
}

function noTarget(file: string | undefined): VirError {
  const fields = { code: ErrorCode.noTarget, domain: ErrorDomain.domain };
  if (file === undefined) return new VirError("missing target information", fields);
  const str1 = "missing target information for device %s";
  return new VirError(str1.replace("%s", file), { ...fields, str1, str2: file });
}

function failure(detail: string): VirError {
  return VirError.of(ErrorCode.xmlError, ErrorDomain.domain, detail);
}
