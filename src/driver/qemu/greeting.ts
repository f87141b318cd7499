import type { Definition } from "../../model/index.ts";
import type { Monitor } from "../../qmp/index.ts";

/** What QEMU is told before everything else. Rejects as Monitor.execute. */
export async function greet(monitor: Pick<Monitor, "execute">, definition: Definition): Promise<void> {
  const capabilities = [{ capability: "events", state: true }];
  const told = [monitor.execute("migrate-set-capabilities", { capabilities })];
  if (definition.textOf("on_reboot") === "destroy") told.push(monitor.execute("set-action", { reboot: "shutdown" }));
  await Promise.all(told);
}
