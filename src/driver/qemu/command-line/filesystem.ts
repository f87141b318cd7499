import type { Element } from "../../../xml/index.ts";
import { virtiofsdPath } from "../binary.ts";
import { addressOf, virtioDriver, virtioOptions } from "./address.ts";
import { type Companion, companionSocket } from "./companion.ts";
import type { GuestContext } from "./guest-context.ts";
import { optionText } from "./option-text.ts";
import { argument, device, type Part } from "./part.ts";
import { failure, flag, number, oneOf, unsupported } from "./reading.ts";

/** `<filesystem>`: a directory of the host's, by 9p or by virtiofs. */
export function filesystem(element: Element, context: GuestContext): Part[] {
  const type = element.attribute("type") ?? "mount";
  if (type !== "mount") throw unsupported(`filesystem of type '${type}' is not supported`);
  const id = context.idOf(element, "fs");
  const tag = element.first("target")?.attribute("dir");
  if (tag === undefined || tag === "") throw failure("filesystem needs <target dir='...'/>");
  return isVirtiofs(element) ? virtiofs(element, id, tag, context) : ninep(element, id, tag, context);
}

function isVirtiofs(element: Element): boolean {
  const driver = element.first("driver")?.attribute("type") ?? "path";
  return oneOf(driver, ["path", "virtiofs"], "filesystem driver") === "virtiofs";
}

const security = { passthrough: "passthrough", mapped: "mapped", squash: "none" } as const;

function ninep(element: Element, id: string, tag: string, context: GuestContext): Part[] {
  const mode = oneOf(
    element.attribute("accessmode") ?? "passthrough",
    ["passthrough", "mapped", "squash"],
    "accessmode",
  );
  const options = optionText({
    security_model: security[mode],
    writeout: element.first("driver")?.attribute("wrpolicy"),
    multidevs: element.attribute("multidevs"),
    fmode: octal(element, "fmode"),
    dmode: octal(element, "dmode"),
    id: `fsdev-${id}`,
    path: directoryOf(element),
    readonly: element.first("readonly") === undefined ? undefined : true,
  });
  return [
    argument("-fsdev", `local,${options}`),
    device(virtioDriver("virtio-9p", element), {
      ...virtioOptions(element),
      id,
      fsdev: `fsdev-${id}`,
      mount_tag: tag,
      ...addressOf(element, context),
    }),
  ];
}

function virtiofs(element: Element, id: string, tag: string, context: GuestContext): Part[] {
  if (element.first("readonly") !== undefined) throw unsupported("virtiofs does not yet support read-only mode");
  const chardev = `chr-vu-${id}`;
  const data = { addr: { type: "unix", data: { path: socketOf(element, id, context) } }, server: false };
  return [
    { kind: "chardev", id: chardev, backend: { type: "socket", data } },
    device("vhost-user-fs-pci", {
      id,
      chardev,
      "queue-size": number(element.first("driver"), "queue"),
      tag,
      bootindex: context.bootIndex(element),
      ...addressOf(element, context),
    }),
  ];
}

/** virtiofsd, unless somebody else runs it. */
export function filesystemCompanion(element: Element, context: GuestContext): Companion | undefined {
  if (!isVirtiofs(element) || element.first("source")?.attribute("socket") !== undefined) return undefined;
  const id = context.idOf(element, "fs");
  const socket = socketOf(element, id, context);
  const binary = element.first("binary");
  const lock = binary?.first("lock");
  const source = directoryOf(element);
  // Its options have commas between them, and no way to write one.
  if (/[,\\]/.test(source)) throw unsupported(`virtiofs cannot share '${source}'`);
  const options = [
    `source=${source}`,
    choice("cache", binary?.first("cache")?.attribute("mode"), ["none", "auto", "always"]),
    choice("sandbox", binary?.first("sandbox")?.attribute("mode"), ["namespace", "chroot"]),
    toggle("xattr", flag(binary, "xattr")),
    toggle("flock", flag(lock, "flock")),
    toggle("posix_lock", flag(lock, "posix")),
  ];
  const threads = number(binary?.first("thread_pool"), "size");
  return {
    name: id,
    binary: binary?.attribute("path") ?? virtiofsdPath,
    args: [
      `--fd=${companionSocket}`,
      "-o",
      options.filter((option) => option !== undefined).join(","),
      ...(threads === undefined ? [] : [`--thread-pool-size=${threads}`]),
    ],
    socket,
    packages: "qemu-system-common",
  };
}

function choice(name: string, value: string | undefined, known: readonly string[]): string | undefined {
  return value === undefined ? undefined : `${name}=${oneOf(value, known, `virtiofs ${name}`)}`;
}

function toggle(name: string, value: boolean | undefined): string | undefined {
  return value === undefined ? undefined : value ? name : `no_${name}`;
}

function socketOf(element: Element, id: string, context: GuestContext): string {
  return element.first("source")?.attribute("socket") ?? context.ownSocket(id);
}

function directoryOf(element: Element): string {
  const path = element.first("source")?.attribute("dir");
  if (path === undefined || path === "") throw failure("filesystem needs <source dir='...'/>");
  return path;
}

function octal(element: Element, name: string): string | undefined {
  const mode = element.attribute(name);
  if (mode !== undefined && !/^[0-7]{1,4}$/.test(mode)) throw failure(`invalid ${name}: '${mode}'`);
  return mode;
}
