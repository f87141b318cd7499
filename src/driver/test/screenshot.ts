import { crc32, deflateSync } from "node:zlib";
import type { Stream } from "../../rpc/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { checkFlags } from "./failure.ts";

/** What is on a screen: a grey field, on every screen of every domain, be it there or not, as libvirt's own has it. */
export function screenshotProcedures(): DriverProcedures {
  let picture: Uint8Array | undefined;
  return {
    domainScreenshot: ({ flags }) => {
      checkFlags(flags, 0, "testDomainScreenshot");
      picture ??= greyPng(64, 48);
      const bytes = picture;
      const serve = async (stream: Stream): Promise<void> => {
        await stream.write(bytes);
        await stream.finish();
      };
      return { ret: { mime: "image/png" }, serve };
    },
  };
}

/** One byte a pixel, no filter. */
function greyPng(width: number, height: number): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const row = Buffer.concat([Buffer.of(0), Buffer.alloc(width, 0x80)]);
  const rows = Buffer.concat(Array.from({ length: height }, () => row));
  const parts = [chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), ...parts]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}
