import { readdir, readFile } from "node:fs/promises";
import { join, matchesGlob } from "node:path";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { ensure, remove, setDefault } from "../../objects/element-edit.ts";
import type { MachineType } from "./machine-type.ts";

/** What a firmware is good for, as QEMU's `docs/interop/firmware.json` has it; the part of it that is used. */
interface Descriptor {
  readonly "interface-types": readonly string[];
  readonly mapping: {
    readonly device: string;
    readonly executable?: { readonly filename: string };
    readonly "nvram-template"?: { readonly filename: string };
  };
  readonly targets: readonly { readonly architecture: string; readonly machines: readonly string[] }[];
  readonly features: readonly string[];
}

/** Where descriptors are; one in a later directory replaces that of the same name. */
export const firmwareDirectories: readonly string[] = ["/usr/share/qemu/firmware", "/etc/qemu/firmware"];

/** Chooses the firmware of a guest that leaves the choice to us, and the template of its variables. Rejects with VirError. */
export async function chooseFirmware(
  root: Element,
  machine: MachineType,
  nvramPath: string,
  directories: readonly string[] = firmwareDirectories,
): Promise<void> {
  const os = root.first("os");
  const loader = os?.first("loader");
  if (os === undefined) return;
  if (os.attribute("firmware") === "efi") {
    const found = (await readDescriptors(directories)).find((each) => fits(each, root, machine));
    if (found === undefined) {
      const detail = "Unable to find any firmware to satisfy 'efi'";
      throw VirError.of(ErrorCode.operationFailed, ErrorDomain.qemu, detail);
    }
    install(root, os, found, nvramPath);
  } else if (loader?.attribute("type") === "pflash" && os.first("nvram") !== undefined) {
    const path = loader.text.trim();
    const known = (await readDescriptors(directories)).find((each) => each.mapping.executable?.filename === path);
    const template = known?.mapping["nvram-template"]?.filename;
    if (template !== undefined) setDefault(ensure(os, "nvram"), "template", template);
  }
}

async function readDescriptors(directories: readonly string[]): Promise<Descriptor[]> {
  const paths = new Map<string, string>();
  for (const directory of directories) {
    const names = await readdir(directory).catch(() => []);
    for (const name of names.filter((each) => each.endsWith(".json"))) paths.set(name, join(directory, name));
  }
  const texts = [...paths.keys()].toSorted().map((name) => readFile(paths.get(name) ?? "", "utf8"));
  return (await Promise.all(texts)).flatMap((text) => {
    // An empty file hides one of that name.
    return text.trim() === "" ? [] : (JSON.parse(text) as Descriptor);
  });
}

function fits({ mapping, targets, features, ...all }: Descriptor, root: Element, machine: MachineType): boolean {
  const isTarget = targets.some(
    ({ architecture, machines }) =>
      architecture === machine.arch && machines.some((pattern) => matchesGlob(machine.name, pattern)),
  );
  if (!isTarget || !all["interface-types"].includes("uefi") || mapping.device !== "flash") return false;
  const os = root.first("os");
  const wishes = os?.first("firmware")?.all("feature") ?? [];
  for (const wish of wishes) {
    const isOn = wish.attribute("enabled") === "yes";
    if (isOn !== features.includes(wish.attribute("name") ?? "")) return false;
  }
  const needsSmm = features.includes("requires-smm");
  if (needsSmm && root.find("features", "smm")?.attribute("state") === "off") return false;
  const secure = os?.first("loader")?.attribute("secure");
  return secure === undefined || (secure === "yes") === needsSmm;
}

function install(root: Element, os: Element, { mapping, features }: Descriptor, nvramPath: string): void {
  os.removeAttribute("firmware");
  remove(os, os.first("loader"));
  const needsSmm = features.includes("requires-smm");
  const attributes = { readonly: "yes", ...(needsSmm ? { secure: "yes" } : {}), type: "pflash" };
  os.children.push(Element.leaf("loader", mapping.executable?.filename ?? "", attributes));
  const template = mapping["nvram-template"]?.filename;
  const nvram = os.first("nvram") ?? Element.leaf("nvram", nvramPath);
  if (os.first("nvram") === undefined) os.children.push(nvram);
  if (nvram.text.trim() === "") nvram.setText(nvramPath);
  if (template !== undefined) setDefault(nvram, "template", template);
  if (needsSmm) setDefault(ensure(ensure(root, "features"), "smm"), "state", "on");
}
