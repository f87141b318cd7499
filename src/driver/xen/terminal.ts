import type { Definition } from "../../model/index.ts";
import { setTerminal } from "../qemu/console.ts";

/** The definition with the pseudo terminal filled in that the guest's console is: Xen's, or the first serial port. */
export function withTerminal(definition: Definition, path: string): Definition {
  return definition.with((root) => {
    const devices = root.first("devices");
    for (const device of [devices?.first("serial"), devices?.first("console")]) {
      if (device?.attribute("type") === "pty") setTerminal(device, path);
    }
  });
}
