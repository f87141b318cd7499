import { join } from "node:path";
import type { Element } from "../../../xml/index.ts";
import { type Companion, companionSocket } from "./companion.ts";
import type { GuestContext } from "./guest-context.ts";
import { escaped } from "./option-text.ts";
import { argument, device, type Part } from "./part.ts";
import { failure, flag, oneOf, unsupported } from "./reading.ts";

const models = ["tpm-tis", "tpm-crb"] as const;

/** `<tpm>`: QEMU's half; the other is `tpmCompanion`. */
export function tpm(element: Element, context: GuestContext): Part[] {
  const id = context.idOf(element, "tpm");
  const model = oneOf(element.attribute("model") ?? "tpm-tis", models, "tpm model");
  const [chardev, tpmdev] = [`chr${id}`, `tpm-${id}`];
  const data = { addr: { type: "unix", data: { path: socketOf(element, id, context) } }, server: false };
  return [
    { kind: "chardev", id: chardev, backend: { type: "socket", data } },
    argument("-tpmdev", `emulator,id=${tpmdev},chardev=${escaped(chardev)}`),
    device(model, { tpmdev, id }),
  ];
}

/** The emulator's process, unless somebody else runs it. */
export function tpmCompanion(element: Element, context: GuestContext): Companion | undefined {
  const backend = element.first("backend");
  if (backend?.attribute("type") !== "emulator") return undefined;
  const id = context.idOf(element, "tpm");
  const version = oneOf(backend.attribute("version") ?? "2.0", ["1.2", "2.0"], "tpm version");
  if (backend.first("encryption") !== undefined) throw unsupported("<encryption> of a tpm is not supported");
  const socket = socketOf(element, id, context);
  const stateDirectory = join(context.options.stateDirectory, version === "2.0" ? "tpm2" : "tpm1.2");
  checkPath(stateDirectory);
  const second = version === "2.0" ? ["--tpm2"] : [];
  const banks =
    backend
      .first("active_pcr_banks")
      ?.elements()
      .map(({ name }) => name) ?? [];
  return {
    name: id,
    binary: "/usr/bin/swtpm",
    args: [
      "socket",
      "--ctrl",
      `type=unixio,fd=${companionSocket}`,
      "--tpmstate",
      `dir=${stateDirectory},mode=0600`,
      "--terminate",
      ...second,
    ],
    socket,
    account: "tss",
    packages: "swtpm swtpm-tools",
    stateDirectory,
    setup: {
      binary: "/usr/bin/swtpm_setup",
      args: [
        ...(second.length > 0 ? ["--tpm2"] : []),
        "--tpm-state",
        stateDirectory,
        "--create-ek-cert",
        "--create-platform-cert",
        "--lock-nvram",
        "--not-overwrite",
        ...(banks.length === 0 ? [] : ["--pcr-banks", banks.map(bank).join(",")]),
      ],
    },
  };
}

function bank(name: string): string {
  return oneOf(name, ["sha1", "sha256", "sha384", "sha512"], "PCR bank");
}

function socketOf(element: Element, id: string, context: GuestContext): string {
  const backend = element.first("backend");
  const type = backend?.attribute("type") ?? "";
  if (type === "emulator") return context.ownSocket(id);
  if (type !== "external") throw unsupported(`tpm backend '${type}' is not supported`);
  const source = backend?.first("source");
  if (flag(source, "tls") === true) throw unsupported("tpm with TLS is not supported");
  const path = source?.attribute("path");
  if (source?.attribute("type") !== "unix" || path === undefined)
    throw failure("tpm backend 'external' needs a socket");
  return path;
}

/** The emulator's own options cannot hold every path. */
function checkPath(path: string): void {
  if (/[,\s]/.test(path)) throw unsupported(`a tpm cannot keep its state in '${path}'`);
}
