import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type GuestPlan, planGuest } from "../../../../src/driver/qemu/command-line/index.ts";
import { Definition } from "../../../../src/model/index.ts";
import { VirError } from "../../../../src/protocol/index.ts";
import { type Element, parseXml } from "../../../../src/xml/index.ts";
import { goldenNames, goldenXml } from "../golden-guests.ts";

/** What somebody might write where a path, a name or a number is expected: each tries to make something called zz. */
const attacks = [
  ",zz=on",
  "x,zz",
  "x,,zz=on",
  ",,,zz=on",
  "a=b,zz=1",
  "=,zz=",
  "-zz",
  "--zz",
  "\n-zz",
  "a\nb\r\tzz=1",
  "../../../etc/zz",
  "/dev/fdset/0,zz=1",
  "%s%n%x,zz=%n",
  "$(zz)",
  "`zz`",
  "; zz",
  `x","zz":"y`,
  `"},{"zz":"nbd"`,
  "\\,zz=1",
  "\\\\,zz=1",
  "',zz='",
  "\u2028,zz=1",
  "{'zz':1}",
  'json:{"zz":1}',
  "x:y:zz",
  "1,zz=1",
  "on,zz=on",
  "yes,zz=on",
  "99999999999999999999",
  "-1",
  "0x",
  "",
];

const options = {
  directory: "/run/guest",
  stateDirectory: "/lib/guest",
  nowMs: 0,
  secretOf: (): Uint8Array => Buffer.from("secret"),
};

/** Where a string can be written: an attribute's value, or the text of an element without others. */
interface Place {
  readonly name: string;
  readonly set: (value: string) => void;
}

function placesOf(element: Element, path = element.name): Place[] {
  const own = element.attributes.map(({ name }) => ({
    name: `${path}@${name}`,
    set: (value: string) => element.setAttribute(name, value),
  }));
  const children = element.elements();
  // These are options: their user may write whatever he wants.
  const below = children.filter(({ uri }) => uri === "").flatMap((child) => placesOf(child, `${path}/${child.name}`));
  const isLeaf = children.length === 0 && element.text.trim() !== "";
  return [...own, ...below, ...(isLeaf ? [{ name: path, set: (value: string) => element.setText(value) }] : [])];
}

/** The words of a plan; undefined when it is refused. */
function wordsOf(root: Element): readonly string[] | undefined {
  return planOf(root)?.args;
}

/** Undefined when it is refused. Anything but a refusal is a defect. */
function planOf(root: Element): GuestPlan | undefined {
  try {
    return planGuest(Definition.of(root), options);
  } catch (error) {
    if (error instanceof VirError) return undefined;
    throw error;
  }
}

const withoutValue = ["-S", "-no-user-config", "-nodefaults", "-no-shutdown"];
/** Their value is one, whatever is in it. */
const plain = ["-kernel", "-initrd", "-append", "-dtb", "-bios", "-uuid", "-k"];
/** All that this driver ever says. */
const known = new Set(
  `${withoutValue.join(" ")} ${plain.join(" ")} -name -machine -accel -cpu -m -overcommit -smp -object -numa -smbios -fw_cfg
   -display -chardev -mon -rtc -global -boot -acpitable -device -blockdev -netdev -audiodev -fsdev -tpmdev -vnc -spice
   -sandbox -msg`.split(/\s+/),
);

/** The names that QEMU would find in the words, read as QEMU reads them. Throws when an option is where none can be. */
function namesIn(args: readonly string[]): string[] {
  const names: string[] = [];
  for (let place = 0; place < args.length; place++) {
    const word = args[place] ?? "";
    assert.ok(known.has(word), `'${word}' stands where an option does`);
    if (withoutValue.includes(word) || plain.includes(word)) place += Number(plain.includes(word));
    else names.push(...namesInValue(word, args[++place] ?? assert.fail(`${word} has no value`)));
  }
  return names;
}

function namesInValue(option: string, value: string): string[] {
  if (value.startsWith("{")) return keysOf(JSON.parse(value));
  // A processor's features are separated by every comma, the options of others by those that are not doubled.
  const parts = (option === "-cpu" ? value : value.replaceAll(",,", "")).split(",");
  const names = parts.slice(1).map((part) => part.replace(/=.*$/su, ""));
  // What is one word may be the name of a feature: it is on or off, and no more can be said of it.
  return option === "-cpu" ? names.filter((name) => !/^\w[\w.-]*$/.test(name)) : names;
}

function keysOf(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [...(Array.isArray(value) ? [] : [key]), ...keysOf(inner)]);
}

/** Of what is the user's own to say nothing is left: that is meant to become options. */
function harmless(name: string): Element {
  const { root } = parseXml(goldenXml(name));
  const own = root.children.filter((node) => node.kind !== "element" || node.uri === "");
  root.children.splice(0, root.children.length, ...own);
  return root;
}

function attack(name: string, place: number, value: string): void {
  const root = harmless(name);
  const places = placesOf(root);
  const chosen = places[place % places.length];
  chosen?.set(value);
  const what = `${JSON.stringify(value)} in ${name}: ${chosen?.name}`;
  const words = wordsOf(root);
  if (words === undefined) return;
  for (const found of namesIn(words)) assert.ok(!found.includes("zz"), `${what} makes '${found}'`);
}

const victims = "pc-virt-install disk-options uefi-secure spice fs-9p numa-hmat tpm vnc-password".split(" ");

for (const [turn, value] of attacks.entries()) {
  const name = victims[turn % victims.length] ?? "pc-minimal";
  test(`${JSON.stringify(value)} stays inside the value it is written into, wherever that is in '${name}'`, () => {
    const count = placesOf(harmless(name)).length;
    for (let place = 0; place < count; place++) attack(name, place, value);
  });
}

/** Where a companion of a guest finds its own things, and nothing else. */
const companionWords: readonly RegExp[] = [
  /^(socket|--ctrl|type=unixio,fd=3|--tpmstate|dir=\/lib\/guest\/tpm(2|1\.2),mode=0600|--terminate|--tpm2)$/,
  /^(--fd=3|-o|--thread-pool-size=\d+)$/,
  /^source=[^,]*(,(cache=(none|auto|always)|sandbox=(namespace|chroot)|(no_)?(xattr|flock|posix_lock)))*$/s,
];

test("no string makes an option of a companion's, or leads its socket or its memory elsewhere", () => {
  for (const name of ["tpm", "fs-virtiofs"]) {
    for (let place = 0; place < placesOf(harmless(name)).length; place++) {
      for (const value of attacks) checkCompanions(name, place, value);
    }
  }
});

function checkCompanions(name: string, place: number, value: string): void {
  const root = harmless(name);
  const chosen = placesOf(root)[place];
  chosen?.set(value);
  const plan = planOf(root);
  const what = `${JSON.stringify(value)} in ${name}: ${chosen?.name}`;
  for (const { args, socket } of plan?.companions ?? []) {
    for (const word of args)
      assert.ok(
        companionWords.some((known) => known.test(word)),
        `${what} makes '${word}'`,
      );
    assert.match(socket, /^\/run\/guest\/[\w-][\w.-]*$/, what);
  }
  const memory = plan?.args.find((word) => word.includes("mem-path"));
  if (memory !== undefined) assert.match(memory, /"mem-path":"\/run\/guest\/memory\/[\w-][\w.-]*"/, what);
}

test("no string in any place of any kept definition makes an option or a name in one", () => {
  const pieces = fc.constantFrom(
    "zz",
    ",",
    ",,",
    "=",
    "-",
    "\n",
    "/",
    ".",
    '"',
    ":",
    "\\",
    "%",
    " ",
    "on",
    "1",
    "{",
    "}",
  );
  const text = fc.oneof(fc.constantFrom(...attacks), fc.string({ unit: pieces, maxLength: 12 }));
  const property = fc.property(fc.constantFrom(...goldenNames()), fc.nat(), text, attack);
  fc.assert(property, { numRuns: 500 });
});
