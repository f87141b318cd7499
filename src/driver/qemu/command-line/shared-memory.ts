import type { Element } from "../../../xml/index.ts";
import { addressOf } from "./address.ts";
import type { GuestContext } from "./guest-context.ts";
import { device, object, type Part } from "./part.ts";
import { bytesOf, failure, flag, number, oneOf, onOff, unsupported } from "./reading.ts";

/** `<shmem>`: memory that guests share by name, or through a server. */
export function sharedMemory(element: Element, context: GuestContext): Part[] {
  const id = context.idOf(element, "shmem");
  const model = element.first("model")?.attribute("type") ?? "ivshmem-plain";
  const kind = oneOf(model, ["ivshmem-plain", "ivshmem-doorbell"], "shmem model");
  return kind === "ivshmem-plain" ? plain(element, id, context) : doorbell(element, id, context);
}

function plain(element: Element, id: string, context: GuestContext): Part[] {
  const size = element.first("size");
  const properties = {
    "mem-path": `/dev/shm/${nameOf(element)}`,
    size: size === undefined ? 4 << 20 : bytesOfText(size),
    share: true,
  };
  const memdev = `shmmem-${id}`;
  const master = element.attribute("role") === undefined ? undefined : onOff(element.attribute("role") === "master");
  return [
    object("memory-backend-file", memdev, properties),
    device("ivshmem-plain", { id, memdev, master, ...addressOf(element, context) }),
  ];
}

function doorbell(element: Element, id: string, context: GuestContext): Part[] {
  const path = element.first("server")?.attribute("path");
  if (path === undefined) throw failure("shmem model 'ivshmem-doorbell' needs <server path='...'/>");
  const interrupts = element.first("msi");
  const data = { addr: { type: "unix", data: { path } }, server: false };
  return [
    { kind: "chardev", id: `char${id}`, backend: { type: "socket", data } },
    device("ivshmem-doorbell", {
      id,
      chardev: `char${id}`,
      vectors: number(interrupts, "vectors"),
      ioeventfd: flag(interrupts, "ioeventfd"),
      ...addressOf(element, context),
    }),
  ];
}

/** One of the names in /dev/shm, and no way out of it. */
function nameOf(element: Element): string {
  const name = element.attribute("name") ?? "";
  if (name === "" || name === "." || name === ".." || name.includes("/")) {
    throw unsupported(`shmem name '${name}' must not be a path`);
  }
  return name;
}

function bytesOfText(size: Element): number {
  const copy = size.clone();
  copy.setAttribute("value", size.text.trim());
  return bytesOf(copy);
}
