import type { DomainConfig } from "../../../libxl/index.ts";
import { Element } from "../../../xml/index.ts";

/** libxl's words for what becomes of a guest, by libvirt's. */
const words: Readonly<Record<string, string>> = {
  destroy: "destroy",
  restart: "restart",
  "rename-restart": "restart_rename",
  preserve: "preserve",
  "coredump-destroy": "coredump_destroy",
  "coredump-restart": "coredump_restart",
};

const occasions = ["on_poweroff", "on_reboot", "on_crash"] as const;

/** What becomes of a guest when it ends by itself; libxl's own default is left out. */
export function actionConfig(root: Element): Pick<DomainConfig, (typeof occasions)[number]> {
  const actions = occasions.flatMap((name) => {
    const word = words[root.first(name)?.text.trim() ?? ""] ?? "destroy";
    return word === "destroy" ? [] : [[name, word] as const];
  });
  return Object.fromEntries(actions);
}

export function actionElements(config: DomainConfig): Element[] {
  return occasions.map((name) => {
    const word = config[name] ?? "destroy";
    const action = Object.keys(words).find((key) => words[key] === word) ?? "destroy";
    return Element.leaf(name, action);
  });
}
