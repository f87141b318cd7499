import type { Element } from "../../../xml/index.ts";
import type { GuestContext } from "./guest-context.ts";
import { argument, type Part } from "./part.ts";
import { failure, flag, oneOf, unsupported } from "./reading.ts";

/** The firmware's variables: a file of the guest's own, made from the template when it is not there. */
export interface VariableStore {
  readonly path: string;
  /** Absent: it must be there. */
  readonly template: string | undefined;
}

/** What makes the firmware, and the options of the machine that point to it. */
export interface Firmware {
  readonly parts: readonly Part[];
  readonly machine: { readonly pflash0?: string; readonly pflash1?: string };
  readonly variables: VariableStore | undefined;
}

/** `<loader>` and `<nvram>`. */
export function firmware({ root }: GuestContext): Firmware {
  const os = root.first("os");
  const loader = os?.first("loader");
  const path = loader?.text.trim() ?? "";
  if (path === "") return withoutLoader(os);
  const type = oneOf(loader?.attribute("type") ?? "rom", ["rom", "pflash"], "loader type");
  if (type === "rom") return { parts: [argument("-bios", path)], machine: {}, variables: undefined };
  const variables = variableStore(os);
  return {
    parts: [
      ...flash("libvirt-pflash0", path, flag(loader, "readonly") ?? true),
      ...(variables === undefined ? [] : flash("libvirt-pflash1", variables.path, false)),
      ...(flag(loader, "secure") === true ? [argument("-global", "driver=cfi.pflash01,property=secure,value=on")] : []),
    ],
    machine: {
      pflash0: "libvirt-pflash0-format",
      ...(variables === undefined ? {} : { pflash1: "libvirt-pflash1-format" }),
    },
    variables,
  };
}

function withoutLoader(os: Element | undefined): Firmware {
  const kind = os?.attribute("firmware");
  if (kind === "efi") throw unsupported("no firmware was found for <os firmware='efi'>: name it in <loader>");
  return { parts: [], machine: {}, variables: undefined };
}

/** Which file the variables are in, and of which it is a copy at first; undefined where the firmware has none. */
export function variableStore(os: Element | undefined): VariableStore | undefined {
  const nvram = os?.first("nvram");
  if (nvram === undefined) return undefined;
  const type = nvram.attribute("type");
  if (type !== undefined && type !== "file") throw unsupported(`nvram of type '${type}' is not supported`);
  const format = nvram.attribute("format") ?? "raw";
  if (format !== "raw") throw unsupported(`nvram of format '${format}' is not supported`);
  const path = nvram.first("source")?.attribute("file") ?? nvram.text.trim();
  if (path === "") throw failure("<nvram> needs a path");
  return { path, template: nvram.attribute("template") };
}

function flash(name: string, filename: string, isReadOnly: boolean): Part[] {
  return [
    {
      kind: "blockdev",
      properties: {
        driver: "file",
        filename,
        "node-name": `${name}-storage`,
        "auto-read-only": true,
        discard: "unmap",
      },
    },
    {
      kind: "blockdev",
      properties: { driver: "raw", file: `${name}-storage`, "node-name": `${name}-format`, "read-only": isReadOnly },
    },
  ];
}
