import { memoryKib } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element, text } from "../../../xml/index.ts";
import { ensure, ensureLeaf, remove, setDefault } from "../../objects/element-edit.ts";
import type { MachineType } from "./machine-type.ts";

/** How a guest is booted, what its machine can do, what time it has, and what follows when it ends. Throws VirError. */
export function completeMachineSettings(root: Element, machine: MachineType, nvramPath: string): void {
  completeBoot(root, machine, nvramPath);
  completeFeatures(root);
  completeClock(root);
  const actions = { on_poweroff: "destroy", on_reboot: "restart", on_crash: "destroy" };
  for (const [name, action] of Object.entries(actions)) ensureLeaf(root, name, action);
}

function completeBoot(root: Element, machine: MachineType, nvramPath: string): void {
  const os = ensure(root, "os");
  const devices = root.first("devices")?.elements() ?? [];
  if (os.first("boot") === undefined && !devices.some((each) => each.first("boot") !== undefined)) {
    os.children.push(new Element("boot", { dev: "hd" }));
  }
  const loader = os.first("loader");
  const usesUefi = os.attribute("firmware") === "efi" || loader?.attribute("type") === "pflash";
  if (machine.isX86 && usesUefi && root.find("features", "acpi") === undefined) {
    throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, "UEFI requires ACPI on this architecture");
  }
  if (loader === undefined || loader.text.trim() === "") return;
  setDefault(loader, "type", "rom");
  const isWritable = loader.attribute("readonly") !== "yes" || loader.attribute("stateless") === "yes";
  if (loader.attribute("type") === "pflash" && !isWritable) ensureLeaf(os, "nvram", nvramPath);
}

function completeFeatures(root: Element): void {
  const features = root.first("features");
  if (features === undefined) return;
  if (features.elements().length === 0) remove(root, features);
  for (const name of ["vmcoreinfo", "smm", "pmu", "pvspinlock", "vmport"]) {
    const feature = features.first(name);
    if (feature !== undefined) setDefault(feature, "state", "on");
  }
  const hyperv = features.first("hyperv");
  if (hyperv !== undefined) setDefault(hyperv, "mode", "custom");
  for (const list of [hyperv, features.first("kvm")]) if (list !== undefined) showEmpty(list);
  const cache = features.find("tcg", "tb-cache");
  if (cache === undefined) return;
  const kib = memoryKib(cache, "./tb-cache");
  cache.setAttribute("unit", "KiB");
  cache.setText(String(kib));
}

/** A list without entries takes two lines. */
function showEmpty(list: Element): void {
  if (list.elements().length === 0) list.children.splice(0, list.children.length, text("\n    "));
}

function completeClock(root: Element): void {
  const clock = ensure(root, "clock");
  setDefault(clock, "offset", "utc");
  if (clock.attribute("offset") !== "variable") return;
  setDefault(clock, "adjustment", "0");
  setDefault(clock, "basis", "utc");
}
