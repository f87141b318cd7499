import type { Codec } from "../../../src/xdr/index.ts";

/** The domain that libvirt's test hypervisor has at first. */
export const defaultDomain = { name: "test", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 1 };

const device = "<disk type='file'><source file='/guest/second.img'/><target dev='vdb' bus='virtio'/></disk>";
const small =
  "<domain type='test'><name>small</name><uuid>11111111-2222-3333-4444-555555555555</uuid>" +
  "<memory>65536</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>";
const weight = [{ field: "weight", value: { type: "uint", value: 50 } }];

/** By the name of an argument, in any call. */
const byField: Readonly<Record<string, unknown>> = {
  name: "test",
  uuid: defaultDomain.uuid,
  id: 1,
  needResults: 1,
  needMap: 1,
  needOnline: 1,
  path: "vda",
  disk: "vda",
  device: "testnet0",
  devName: null,
  arch: "x86_64",
  xml: small,
  xmlDesc: small,
  dxml: small,
  domainXml: small,
  nativeFormat: "qemu-argv",
  nativeConfig: "qemu",
  maxnames: 10,
  maxids: 10,
  maxerrors: 10,
  maxStats: 13,
  maxcells: 2,
  cellCount: 1,
  nparams: 0,
  ncpus: 1,
  maxinfo: 2,
  maplen: 2,
  ncpumaps: 2,
  nvcpus: 1,
  cpumap: Uint8Array.of(1, 0),
  pages: [4],
  pageSizes: [4],
  pageCounts: [1n],
  memory: 1_048_576n,
  size: 512,
  keycodes: [30],
  pidValue: 1n,
  signum: 15,
  bandwidth: 1n,
  timeout: 1,
  user: "root",
  password: "secret",
  iothreadId: 1,
  iothreadsId: 1,
  vcpumap: "0",
  base: null,
  top: null,
  mountpoints: [],
  mountPoint: null,
  xmlCpus: ["<cpu><arch>x86_64</arch><model>qemu64</model></cpu>"],
  xmlCpu: "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>",
  cmd: "info",
  alias: "virtio-disk0",
  // The text of a name, not of a file: nothing here may be written.
  to: "/nosuch/file",
  from: "/nosuch/file",
  file: "/nosuch/file",
  newName: "renamed",
  interval: 1n,
  // libvirtd answers for a migration what it would answer for a driver without one.
  dname: null,
  uri: null,
};

/** By call and argument, where the name alone says too little. */
const byCall: Readonly<Record<string, unknown>> = {
  "domainAttachDevice.xml": device,
  "domainDetachDevice.xml": device,
  "domainAttachDeviceFlags.xml": device,
  "domainDetachDeviceFlags.xml": device,
  "domainUpdateDeviceFlags.xml": device,
  "domainSnapshotCreateXml.xmlDesc": "<domainsnapshot><name>base</name></domainsnapshot>",
  "domainCheckpointCreateXml.xmlDesc": "<domaincheckpoint><name>base</name></domaincheckpoint>",
  "domainBackupBegin.backupXml": "<domainbackup><disks/></domainbackup>",
  "connectCompareCpu.xml": "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>",
  "domainSetSchedulerParameters.params": weight,
  "domainSetSchedulerParametersFlags.params": weight,
  "domainSetBlkioParameters.params": weight,
  "domainSetMemoryParameters.params": [{ field: "hard_limit", value: { type: "ullong", value: 1_048_576n } }],
  "domainSetNumaParameters.params": [{ field: "numa_nodeset", value: { type: "string", value: "0" } }],
  "domainSetPerfEvents.params": [{ field: "cmt", value: { type: "boolean", value: true } }],
  "domainSetInterfaceParameters.params": [{ field: "inbound.average", value: { type: "uint", value: 100 } }],
  "domainSetBlockIoTune.params": [{ field: "total_bytes_sec", value: { type: "ullong", value: 1_000n } }],
  "domainSetIothreadParams.params": [{ field: "poll_max_ns", value: { type: "ullong", value: 1_000n } }],
  "domainSetThrottleGroup.params": [{ field: "total_bytes_sec", value: { type: "ullong", value: 1_000n } }],
  "nodeSetMemoryParameters.params": [{ field: "shm_pages_to_scan", value: { type: "uint", value: 100 } }],
  "networkLookupByName.name": "default",
  "storagePoolLookupByName.name": "default-pool",
  "storagePoolLookupByTargetPath.path": "/default-pool",
  "interfaceLookupByName.name": "eth1",
  "interfaceLookupByMacString.mac": "aa:bb:cc:dd:ee:ff",
  "nodeDeviceLookupByName.name": "test-scsi-host-vport",
  "nodeDeviceGetXmlDesc.name": "test-scsi-host-vport",
  "nodeDeviceGetParent.name": "test-scsi-host-vport",
  "nodeDeviceNumOfCaps.name": "test-scsi-host-vport",
  "nodeDeviceListCaps.name": "test-scsi-host-vport",
  "storageVolResize.capacity": 1_048_576n,
  "domainMemoryPeek.flags": 1,
  "domainGetVcpuPinInfo.ncpumaps": 2,
  "domainSetTime.seconds": 1_000n,
};

/** What an object of that kind is known by: the one that libvirt's test hypervisor has at first. */
const firstObjects: Readonly<Record<string, unknown>> = {
  domain: defaultDomain,
  interface: { name: "eth1", mac: "aa:bb:cc:dd:ee:ff" },
  network: { name: "default", uuid: "dd8fe884-6c02-601e-7551-cca97df1c5df" },
  node_device: { name: "test-scsi-host-vport" },
  storage_pool: { name: "default-pool", uuid: "dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566" },
};

/** Arguments of a call that libvirtd finds nothing wrong with before it asks its driver, as far as that can be. */
export function plausibleArgs(call: string, fields: Readonly<Record<string, Codec>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([field, codec]) => [field, plausible(codec, field, `${call}.${field}`)]),
  );
}

function plausible(codec: Codec, field: string, path: string): unknown {
  const given = [byCall[path], byField[field]].find((value) => value !== undefined);
  if (given !== undefined && fits(codec, given)) return given;
  const { shape } = codec;
  if (shape.kind === "integer") return shape.bits === 64 ? 0n : 0;
  if (shape.kind === "boolean") return false;
  if (shape.kind === "double") return 0;
  if (shape.kind === "string") return "x";
  if (shape.kind === "opaque" || shape.kind === "rest") return new Uint8Array();
  if (shape.kind === "fixedOpaque") return new Uint8Array(shape.length);
  if (shape.kind === "array" || shape.kind === "fixedArray") return [];
  if (shape.kind === "optional") return null;
  if (shape.kind === "struct") {
    const object = firstObjects[codec.name];
    if (object !== undefined) return object;
    return Object.fromEntries(
      Object.entries(shape.fields).map(([name, each]) => [name, plausible(each, name, `${path}.${name}`)]),
    );
  }
  if (codec.name === "uuid") return defaultDomain.uuid;
  return "";
}

function fits({ shape }: Codec, value: unknown): boolean {
  if (shape.kind === "optional") return value === null || fits(shape.item, value);
  if (shape.kind === "integer") return typeof value === (shape.bits === 64 ? "bigint" : "number");
  if (shape.kind === "string" || shape.kind === "mapped") return typeof value === "string";
  if (shape.kind === "array") return Array.isArray(value);
  if (shape.kind === "opaque") return value instanceof Uint8Array;
  return false;
}
