import type { Definition } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";

/** What stands before them. */
const before = "os features cpu clock pm on_poweroff on_reboot".split(" ");

/** The definition with another `on_poweroff`, `on_reboot` or `on_crash`. Throws VirError where QEMU cannot do that. */
export function withLifecycleAction(definition: Definition, occasion: string, action: string): Definition {
  const changed = definition.with((root) => {
    const known = root.first(`on_${occasion}`);
    if (known === undefined) root.insertAfter(before, Element.leaf(`on_${occasion}`, action));
    else known.setText(action);
  });
  const [onReboot, onPowerOff] = [changed.textOf("on_reboot"), changed.textOf("on_poweroff")];
  if (occasion !== "crash" && ["preserve", "rename-restart"].includes(action)) {
    throw unsupported(`qemu driver doesn't support the '${action}' action for 'on_reboot'/'on_poweroff'`);
  }
  if (onReboot === "destroy" && onPowerOff === "restart") {
    throw unsupported("qemu driver doesn't support 'onReboot' set to 'destroy and 'onPoweroff' set to 'reboot'");
  }
  return changed;
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}
