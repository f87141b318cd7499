import { Element } from "../../xml/index.ts";
import { formatObject } from "../objects/object-xml.ts";
import type { FileStatus, HostVolume } from "./host-volume.ts";

/** A volume's description, as libvirt writes it. */
export function volumeText(volume: HostVolume): string {
  const { name, path, type, capacity, allocation, physical, backing } = volume;
  const children = [
    Element.leaf("name", name),
    Element.leaf("key", path),
    bytes("capacity", capacity),
    bytes("allocation", allocation),
    ...(physical === undefined ? [] : [bytes("physical", physical)]),
    targetOf(volume),
    ...(backing === undefined
      ? []
      : [new Element("backingStore", {}, placeOf(backing.path, backing.format, backing.status))]),
  ];
  return formatObject(new Element("volume", { type }, children), { opened: [] });
}

function targetOf({ path, header, status }: HostVolume): Element {
  const { format, compat, clusterSize, features } = header;
  const parts = placeOf(path, format, status);
  if (compat !== undefined) parts.push(Element.leaf("compat", compat));
  if (clusterSize !== undefined) parts.push(Element.leaf("clusterSize", String(clusterSize), { unit: "B" }));
  if (features !== undefined) {
    parts.push(
      new Element(
        "features",
        {},
        features.map((feature) => new Element(feature)),
      ),
    );
  }
  return new Element("target", {}, parts);
}

function placeOf(path: string, format: string | undefined, status: FileStatus | undefined): Element[] {
  return [
    Element.leaf("path", path),
    ...(format === undefined ? [] : [new Element("format", { type: format })]),
    ...(status === undefined ? [] : [permissionsOf(status), timestampsOf(status)]),
  ];
}

export function permissionsOf({ mode, uid, gid }: Pick<FileStatus, "mode" | "uid" | "gid">): Element {
  return new Element("permissions", {}, [
    Element.leaf("mode", `0${mode.toString(8)}`),
    Element.leaf("owner", String(uid)),
    Element.leaf("group", String(gid)),
  ]);
}

function timestampsOf({ atime, mtime, ctime }: FileStatus): Element {
  return new Element("timestamps", {}, [
    Element.leaf("atime", seconds(atime)),
    Element.leaf("mtime", seconds(mtime)),
    Element.leaf("ctime", seconds(ctime)),
    // libvirt does not know it, and says so.
    Element.leaf("btime", "0"),
  ]);
}

function seconds(ns: bigint): string {
  const rest = ns % 1_000_000_000n;
  const whole = String(ns / 1_000_000_000n);
  return rest === 0n ? whole : `${whole}.${String(rest).padStart(9, "0")}`;
}

function bytes(name: string, value: bigint): Element {
  return Element.leaf(name, String(value), { unit: "bytes" });
}
