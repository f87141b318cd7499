import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Domain } from "../../../model/index.ts";
import { pairSockets } from "../../../os/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { JsonObject } from "../../../qmp/index.ts";
import type { Stream } from "../../../rpc/index.ts";
import type { CallContext, DriverProcedures } from "../../driver.ts";
import { devicesOf } from "../devices-of.ts";
import { invalid } from "../errors.ts";
import type { Guests } from "../guests.ts";
import type { Run } from "../run.ts";
import { check, has, patienceOf } from "./asked.ts";

const skipAuthentication = 1;
const chunk = 65_536;

/** What a guest shows: as a picture, and as a connection with its graphics server. */
export function screenProcedures(guests: Guests): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  const openGraphics = async (domain: Domain, idx: number, flags: number, fd: number, context: CallContext) =>
    guests.onRun(domain, "graphics", patienceOf(context), async (run, timeoutMs) => {
      const graphics = domain.definition && devicesOf(domain.definition, "graphics")[idx];
      if (graphics === undefined) throw internal(`No graphics backend with index ${idx}`);
      const type = graphics.attribute("type") ?? "";
      if (type !== "vnc" && type !== "spice") {
        throw wrong(`Can only open VNC or SPICE graphics backends, not ${type}`);
      }
      const fdname = "graphicsfd";
      await run.execute("getfd", { fdname }, timeoutMs, { fds: [fd] });
      const args = { protocol: type, fdname, skipauth: has(flags, skipAuthentication) };
      await run.execute("add_client", args, timeoutMs);
    });
  return {
    domainScreenshot: async ({ dom, screen, flags }, context) => {
      check(flags, 0, "qemuDomainScreenshot");
      const domain = find(dom);
      const picture = await guests.onRun(domain, "screenshot", patienceOf(context), (run, timeoutMs) => {
        const videos = domain.definition === undefined ? [] : devicesOf(domain.definition, "video");
        if (videos.length === 0) throw invalid("no screens to take screenshot from");
        const video = videos[screen] ?? (screen === 0 ? videos[0] : undefined);
        if (video === undefined) throw wrong("no such screen");
        const id = video.first("alias")?.attribute("name");
        return takePicture(run, id === undefined || screen === 0 ? {} : { device: id, head: 0 }, timeoutMs);
      });
      const serve = async (stream: Stream): Promise<void> => {
        for (let at = 0; at < picture.length; at += chunk) await stream.write(picture.subarray(at, at + chunk));
        await stream.finish();
      };
      return { ret: { mime: "image/png" }, serve };
    },
    domainOpenGraphics: async ({ dom, idx, flags }, context) => {
      const [fd] = context.takeFds();
      try {
        check(flags, skipAuthentication, "qemuDomainOpenGraphics");
        if (fd === undefined) throw wrong("No FD available at slot 0");
        await openGraphics(find(dom), idx, flags, fd, context);
      } finally {
        if (fd !== undefined) closeSync(fd);
      }
    },
    domainOpenGraphicsFd: async ({ dom, idx, flags }, context) => {
      check(flags, skipAuthentication, "qemuDomainOpenGraphicsFD");
      const domain = find(dom);
      const [own, qemus] = pairSockets();
      try {
        await openGraphics(domain, idx, flags, qemus, context);
      } catch (error) {
        closeSync(own);
        throw error;
      } finally {
        closeSync(qemus);
      }
      context.passFds([own]);
    },
  };
}

/**
 * QEMU writes into a file without a name that it is handed: as whoever it runs, and wherever it may write. It takes a
 * descriptor for that only if it is open for writing alone.
 */
async function takePicture(run: Run, which: JsonObject, timeoutMs: number): Promise<Uint8Array> {
  const path = join(tmpdir(), `virtwright-${randomUUID()}`);
  const writing = openSync(path, "wx", 0o600);
  const reading = openSync(path, "r");
  unlinkSync(path);
  try {
    const set = (await run.execute("add-fd", {}, timeoutMs, { fds: [writing] })) as JsonObject;
    const id = Number(set["fdset-id"]);
    try {
      await run.execute("screendump", { filename: `/dev/fdset/${id}`, format: "png", ...which }, timeoutMs);
    } finally {
      await run.execute("remove-fd", { "fdset-id": id }, timeoutMs);
    }
    return readAll(reading);
  } finally {
    closeSync(writing);
    closeSync(reading);
  }
}

function readAll(fd: number): Uint8Array {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const part = Buffer.alloc(chunk);
    const length = readSync(fd, part, 0, chunk, at);
    if (length === 0) return Buffer.concat(parts);
    parts.push(part.subarray(0, length));
    at += length;
  }
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
}

function internal(detail: string): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.qemu, detail);
}
