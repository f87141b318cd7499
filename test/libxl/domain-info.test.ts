import assert from "node:assert/strict";
import { test } from "node:test";
import { readDomainInfo } from "../../src/libxl/domain-info.ts";
import { libraryVersions } from "../../src/libxl/versions.ts";

test("a domain is read from the library's memory, with numbers that JavaScript would round", () => {
  const [{ layout } = assert.fail()] = libraryVersions;
  const bytes = new Uint8Array(layout.domainInfo.size);
  const view = new DataView(bytes.buffer);
  bytes.set(Array.from({ length: 16 }, (_, index) => index * 16 + index));
  view.setUint32(16, 12, true);
  view.setUint8(34, 1);
  view.setInt32(40, 3, true);
  view.setBigUint64(56, 2n ** 60n + 1n, true);
  view.setUint32(96, 3, true);
  view.setUint32(100, 2, true);
  view.setInt32(112, 3, true);
  const { uuid, domid, paused, running, shutdownReason, currentMemoryKib, maxVcpus, onlineVcpus, type } =
    readDomainInfo(bytes, layout);
  assert.deepEqual(
    { uuid, domid, paused, running, shutdownReason, currentMemoryKib, maxVcpus, onlineVcpus, type },
    {
      uuid: "00112233-4455-6677-8899-aabbccddeeff",
      domid: 12,
      paused: true,
      running: false,
      shutdownReason: "crash",
      currentMemoryKib: 2n ** 60n + 1n,
      maxVcpus: 4,
      onlineVcpus: 2,
      type: "pvh",
    },
  );
});
