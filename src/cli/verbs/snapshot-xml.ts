import { type Element, element, writeXml } from "../../xml/index.ts";
import { attributed, textual } from "./made-xml.ts";
import { type Given, PlainFailure } from "./verb.ts";

/** A snapshot's description of what snapshot-create-as is told. */
export function snapshotXml(given: Given): string {
  const memory = given.text("memspec");
  const disks = given.list("diskspec").map(diskOf);
  return writeXml(
    element("domainsnapshot", {}, [
      textual("name", given.text("name")),
      textual("description", given.text("description")),
      memory === undefined ? undefined : memoryOf(memory),
      disks.length === 0 ? undefined : element("disks", {}, disks),
    ]),
  );
}

/** "vda,snapshot=external,driver=qcow2,stype=file,file=/x": a comma in a value is written twice. */
function diskOf(spec: string): Element {
  const { name, snapshot, driver, stype = "file", file } = diskSpec(spec, ["snapshot", "driver", "stype", "file"]);
  const type = stype === "file" ? undefined : stype;
  return element("disk", { name, snapshot, type }, [
    attributed("driver", "type", driver),
    attributed("source", stype === "block" ? "dev" : "file", file),
  ]);
}

/** The name that a description of a disk begins with, and its other parts by their keys. Throws PlainFailure. */
export function diskSpec<K extends string>(
  spec: string,
  keys: readonly K[],
): { readonly [N in K]?: string } & { readonly name: string } {
  const [name = "", ...rest] = parts(spec);
  return { name, ...pairs(`diskspec: ${spec}`, rest, keys) };
}

/** "[file=]/x,snapshot=external" */
function memoryOf(spec: string): Element {
  const [first = "", ...rest] = parts(spec);
  const { snapshot, file } = pairs(
    `memspec: ${spec}`,
    [first.includes("=") ? first : `file=${first}`, ...rest],
    ["snapshot", "file"],
  );
  return element("memory", { snapshot, file });
}

function parts(spec: string): string[] {
  return spec.split(/(?<!,),(?!,)/).map((part) => part.replaceAll(",,", ","));
}

function pairs<K extends string>(
  what: string,
  given: readonly string[],
  keys: readonly K[],
): { readonly [N in K]?: string } {
  const found: { [N in K]?: string } = {};
  for (const pair of given) {
    const equals = pair.indexOf("=");
    const key = keys.find((each) => each === pair.slice(0, equals));
    if (key === undefined) throw new PlainFailure(`unable to parse ${what}`);
    found[key] = pair.slice(equals + 1);
  }
  return found;
}
