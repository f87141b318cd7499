import type { Given } from "./verb.ts";

/** What is done to things of every kind: "net-start", "vol-delete". */
const toThings =
  /^(?:(?:net|pool|vol|snapshot|checkpoint|iface|nodedev|nwfilter|nwfilter-binding|secret|managedsave|save-image)-)?(?:define|undefine|define-as|create|create-as|create-from|start|destroy|delete|remove|autostart|edit|build|refresh|clone|wipe|resize|update|revert|detach|reattach|reset|set-value|begin|commit|rollback|bridge|unbridge)$/;
const toDomains: readonly string[] = [
  "suspend",
  "resume",
  "reboot",
  "shutdown",
  "save",
  "restore",
  "dump",
  "managedsave",
  "domrename",
  "perf",
  "attach-device",
  "attach-disk",
  "attach-interface",
  "detach-device",
  "detach-device-alias",
  "detach-disk",
  "detach-interface",
  "update-device",
  "domif-setlink",
  "dompmsuspend",
  "dompmwakeup",
  "domfsfreeze",
  "domfsthaw",
  "set-user-password",
  "screenshot",
];
/** These show something, unless they are given one of that. */
const changing: Readonly<Record<string, readonly string[]>> = {
  desc: ["new-desc", "edit"],
  metadata: ["set", "edit", "remove"],
  "snapshot-current": ["snapshotname"],
};

/** What this verb says is no more than that it is done, as it was given: --quiet leaves that out, as in virsh. */
export function isNews(name: string, given: Given): boolean {
  const ways = changing[name];
  if (ways !== undefined) return ways.some((each) => given.isGiven(each));
  return !given.has("print-xml") && (toThings.test(name) || toDomains.includes(name));
}
