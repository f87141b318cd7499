import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";
import type { Tunable } from "./tunables.ts";

const fields = ["weight", "read_iops_sec", "write_iops_sec", "read_bytes_sec", "write_bytes_sec"];

/** Shares and limits of single devices of the host, as text: "/dev/sda,500,/dev/sdb,300". */
export const deviceTunables: readonly Tunable[] = fields.map((name) => {
  const field = `device_${name}`;
  return {
    field,
    read: (domain) => {
      const pairs = devicesIn(domain).flatMap((each) => {
        const value = each.first(name)?.text;
        return value === undefined ? [] : [each.first("path")?.text ?? "", value];
      });
      return { type: "string", value: pairs.join(",") };
    },
    write: (domain, { value }) => {
      for (const [path, number] of parsePairs(field, String(value))) set(domain, path, name, number);
    },
  };
});

function devicesIn(domain: Element): readonly Element[] {
  return domain.first("blkiotune")?.all("device") ?? [];
}

/** 0 takes the value out. */
function set(domain: Element, path: string, name: string, value: string): void {
  const device = devicesIn(domain).find((each) => each.first("path")?.text === path) ?? addDevice(domain, path);
  const known = device.first(name);
  if (known !== undefined) device.children.splice(device.children.indexOf(known), 1);
  if (value !== "0") device.children.push(Element.leaf(name, value));
  const tune = domain.first("blkiotune");
  if (device.elements().length === 1) tune?.children.splice(tune.children.indexOf(device), 1);
  if (tune?.elements().length === 0) domain.children.splice(domain.children.indexOf(tune), 1);
}

function addDevice(domain: Element, path: string): Element {
  let tune = domain.first("blkiotune");
  if (tune === undefined) {
    tune = new Element("blkiotune");
    domain.children.push(tune);
  }
  const device = new Element("device", {}, [Element.leaf("path", path)]);
  tune.children.push(device);
  return device;
}

function parsePairs(field: string, text: string): [path: string, value: string][] {
  const words = text === "" ? [] : text.split(",");
  const pairs: [string, string][] = [];
  for (let index = 0; index < words.length; index += 2) {
    const [path = "", value = ""] = words.slice(index, index + 2);
    if (value === "") throw invalid(`unable to parse blkio device '${field}' '${text}'`);
    const limit = field.includes("bytes") ? 64n : 32n;
    if (!/^\d+$/.test(value) || BigInt(value) >= 1n << limit) {
      throw invalid(`invalid value '${value}' for parameter '${field}' of device '${path}'`);
    }
    pairs.push([path, String(BigInt(value))]);
  }
  return pairs;
}

function invalid(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.domain, detail);
}
