import { createWriteStream } from "node:fs";
import { Writable } from "node:stream";
import type { Connection, Domain } from "../../open/index.ts";
import { act, affected, affects, silent, tell } from "./domain-act.ts";
import { keyCode, signalNumber } from "./key-codes.ts";
import { findDomain } from "./lookup.ts";
import { readText } from "./object-verbs.ts";
import { type Facts, type Given, PlainFailure, type Verbs } from "./verb.ts";

/** virDomainGuestInfoTypes, by virsh's options. */
const infoTypes = { user: 1, os: 2, timezone: 4, hostname: 8, filesystem: 16, disk: 32, interface: 64 } as const;

async function guestinfo(connection: Connection, given: Given): Promise<Facts> {
  const names = given.all(Object.keys(infoTypes) as (keyof typeof infoTypes)[]);
  const types = names.reduce((sum, name) => sum | infoTypes[name], 0);
  const object = await (await findDomain(connection, given.need("domain"))).getGuestInfo(types);
  const lines = Object.entries(object).map(([name, value]) => `${name.padEnd(20)}: ${plain(value)}\n`);
  return { text: lines.join(""), object };
}

function plain(value: unknown): string {
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

async function sshKeys(connection: Connection, given: Given): Promise<Facts> {
  const domain = await findDomain(connection, given.need("domain"));
  const object = await domain.authorizedSshKeysGet(given.need("user"));
  return { text: object.map((key) => `${key}\n`).join(""), object };
}

const [appends, removes] = [1, 2];

async function setSshKeys(domain: Domain, given: Given): Promise<void> {
  given.exclude("reset", "remove");
  const file = given.text("file");
  const keys = (file === undefined ? [] : readText(file).split("\n")).filter((key) => key !== "");
  if (file === undefined && !given.has("reset"))
    throw new PlainFailure(`Option --file is required${given.has("remove") ? " by option --remove" : ""}`);
  const flags = given.has("remove") ? removes : given.has("reset") ? 0 : appends;
  await domain.authorizedSshKeysSet({ user: given.need("user"), keys }, { flags });
}

/** VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK: the lowest of the numbers that are no seconds. */
const forEver = -2;

function agentTimeout(domain: Domain, given: Given): Promise<unknown> {
  const seconds = given.integer("timeout") ?? forEver;
  if (seconds < forEver)
    throw new PlainFailure(`Numeric value '${seconds}' for <timeout> option is malformed or out of range`);
  return domain.agentSetResponseTimeout(seconds);
}

/** VIR_KEYCODE_SET_*, in their order. */
const codesets = ["linux", "xt", "atset1", "atset2", "atset3", "os_x", "xt_kbd", "usb", "win32", "qnum"];

function sendKey(domain: Domain, given: Given): Promise<unknown> {
  const name = given.text("codeset") ?? "linux";
  const codeset = codesets.indexOf(name);
  if (codeset < 0) throw new PlainFailure(`unknown codeset: '${name}'`);
  const words = given.list("keycode");
  if (words.length > 16) throw new PlainFailure("too many keycodes");
  const keycodes = words.map((word) => {
    const code = keyCode(word, name);
    if (code === undefined) throw new PlainFailure(`invalid keycode: '${word}'`);
    return code;
  });
  return domain.sendKey({ codeset, holdtime: given.number("holdtime") ?? 0, keycodes });
}

function sendSignal(domain: Domain, given: Given): Promise<unknown> {
  const name = given.need("signame");
  const pidValue = given.integer("pid") ?? 0;
  const signum = signalNumber(name);
  if (signum === undefined) throw new PlainFailure(`malformed signal name: ${name}`);
  return domain.sendProcessSignal({ pidValue, signum });
}

const endings: Readonly<Record<string, string>> = {
  "image/png": ".png",
  "image/x-portable-pixmap": ".ppm",
  "image/bmp": ".bmp",
};

/** "web-2026-11-29-03:24:15.png" */
function screenshotName(domain: Domain, mime: string | null): string {
  const when = new Date();
  const two = (number: number): string => String(number).padStart(2, "0");
  const day = [when.getFullYear(), two(when.getMonth() + 1), two(when.getDate())].join("-");
  const time = [when.getHours(), when.getMinutes(), when.getSeconds()].map(two).join(":");
  return `${domain.name}-${day}-${time}${endings[mime ?? ""] ?? ""}`;
}

async function screenshot(connection: Connection, given: Given): Promise<string> {
  const domain = await findDomain(connection, given.need("domain"));
  const { mime, stream } = await domain.screenshot(given.number("screen") ?? 0);
  const file = given.text("file") ?? screenshotName(domain, mime);
  await stream.pipeTo(Writable.toWeb(createWriteStream(file)) as WritableStream<Uint8Array>);
  return `Screenshot saved to ${file}, with type of ${mime ?? "unknown"}`;
}

/** VIR_DOMAIN_LIFECYCLE_* and VIR_DOMAIN_LIFECYCLE_ACTION_*, in their order. */
const lifecycleTypes = ["poweroff", "reboot", "crash"];
const lifecycleActions = ["destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart"];

function lifecycleAction(domain: Domain, given: Given): Promise<unknown> {
  const flags = affected(given);
  const [type, action] = [given.need("type"), given.need("action")];
  const [typeAt, actionAt] = [lifecycleTypes.indexOf(type), lifecycleActions.indexOf(action)];
  if (typeAt < 0) throw new PlainFailure(`Invalid lifecycle type '${type}'.`);
  if (actionAt < 0) throw new PlainFailure(`Invalid lifecycle action '${action}'.`);
  return domain.setLifecycleAction({ type: typeAt, action: actionAt }, { flags });
}

/** VIR_NODE_SUSPEND_TARGET_*, in their order. */
const sleeps = ["mem", "disk", "hybrid"];

function pmsuspend(domain: Domain, given: Given): Promise<unknown> {
  const target = sleeps.indexOf(given.need("target"));
  if (target < 0) throw new PlainFailure("Invalid target");
  return domain.pmSuspendForDuration({ target, duration: given.long("duration") ?? 0n });
}

/** What people script about what happens inside a guest. */
export const guestVerbs: Verbs = {
  guestinfo: {
    help: "tells what a guest's agent knows of it",
    parameters: ["domain"],
    flags: Object.keys(infoTypes),
    show: guestinfo,
  },
  domfsfreeze: tell(
    "has a guest write nothing to its disks for a while",
    async (domain, given) => `Froze ${await domain.fsfreeze(given.list("mountpoint"))} filesystem(s)`,
    { parameters: ["domain", "mountpoint?..."], failure: () => "Unable to freeze filesystems" },
  ),
  domfsthaw: tell(
    "lets a guest write to its disks again",
    async (domain, given) => `Thawed ${await domain.fsthaw(given.list("mountpoint"))} filesystem(s)`,
    { parameters: ["domain", "mountpoint?..."], failure: () => "Unable to thaw filesystems" },
  ),
  domfstrim: silent(
    "has a guest tell its disks what it does not use",
    ["minimum?#", "mountpoint?"],
    (domain, given) =>
      domain.fstrim({ mountPoint: given.text("mountpoint"), minimum: given.bytes("minimum", 1n) ?? 0n }),
    { failure: () => "Unable to invoke fstrim" },
  ),
  "set-user-password": {
    help: "sets the password of a user of a guest",
    parameters: ["domain", "user", "password"],
    flags: ["encrypted"],
    run: async (connection, given) => {
      const domain = await findDomain(connection, given.need("domain"));
      const [user, password] = [given.need("user"), given.need("password")];
      await domain.setUserPassword({ user, password }, { flags: given.has("encrypted") ? 1 : 0 });
      return `Password set successfully for ${user} in ${domain.name}`;
    },
  },
  "get-user-sshkeys": {
    help: "lists the keys with which a user of a guest may log in",
    parameters: ["domain", "user"],
    show: sshKeys,
  },
  "set-user-sshkeys": silent("says with which keys a user of a guest may log in", ["user", "file?"], setSshKeys, {
    flags: ["reset", "remove"],
  }),
  "guest-agent-timeout": silent("says how long a guest's agent is waited for", [], agentTimeout, {
    texts: ["timeout#"],
  }),
  "send-key": silent("presses keys of a guest together", ["keycode..."], sendKey, { texts: ["codeset", "holdtime#"] }),
  "send-process-signal": silent("sends a process inside a guest a signal", ["pid", "signame"], sendSignal),
  screenshot: {
    help: "saves a picture of a guest's screen",
    parameters: ["domain", "file?", "screen?#"],
    failure: (given) => `could not take a screenshot of ${given.need("domain")}`,
    run: screenshot,
  },
  "set-lifecycle-action": silent("says what becomes of a domain that ends", ["type", "action"], lifecycleAction, {
    flags: affects,
    failure: () => "Unable to change lifecycle action.",
  }),
  dompmsuspend: act(
    "has a guest go to sleep",
    "suspend",
    (name) => `Domain '${name}' successfully suspended`,
    pmsuspend,
    {
      parameters: ["domain", "target"],
      texts: ["duration#"],
      failure: (given) => `Domain '${given.need("domain")}' could not be suspended`,
    },
  ),
  dompmwakeup: act(
    "wakes a guest that sleeps",
    "wake",
    (name) => `Domain '${name}' successfully woken up`,
    (domain) => domain.pmWakeup(),
    { failure: (given) => `Domain '${given.need("domain")}' could not be woken up` },
  ),
};
