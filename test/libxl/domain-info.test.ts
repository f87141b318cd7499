import assert from "node:assert/strict";
import { test } from "node:test";
import { readDomainInfo, readVcpuInfo } from "../../src/libxl/domain-info.ts";
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

test("a domain's processor is read from the library's memory", () => {
  const [{ layout } = assert.fail()] = libraryVersions;
  const bytes = new Uint8Array(layout.vcpuInfo.size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 1, true);
  view.setUint32(4, 3, true);
  view.setUint8(8, 1);
  view.setUint8(9, 1);
  view.setBigUint64(16, 2n ** 60n + 1n, true);
  assert.deepEqual(readVcpuInfo(bytes, [0, 3], layout), {
    number: 1,
    cpu: 3,
    online: true,
    blocked: true,
    running: false,
    cpuTimeNs: 2n ** 60n + 1n,
    cpus: [0, 3],
  });
});
