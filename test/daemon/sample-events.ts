import type { Domain, DomainEvent, DomainEventName } from "../../src/protocol/index.ts";

const dom: Domain = { name: "hello", uuid: "00000000-0000-4000-8000-0068656c6c6f", id: 3 };
const params = [{ field: "cputune.cpu_shares", value: { type: "ullong", value: 1_024n } }] as const;

type Samples = { readonly [N in DomainEventName]: Omit<Extract<DomainEvent, { readonly name: N }>, "name"> };

/** One event of every kind. */
const samples: Samples = {
  lifecycle: { dom, event: 2, detail: 0 },
  reboot: { dom },
  rtcChange: { dom, offset: -3_600n },
  watchdog: { dom, action: 1 },
  ioError: { dom, srcPath: "/images/a", devAlias: "virtio-disk0", action: 1 },
  graphics: {
    dom,
    phase: 0,
    local: { family: 0, node: "::1", service: "5900" },
    remote: { family: 0, node: "::1", service: "40000" },
    authScheme: "none",
    subject: [{ type: "x509dname", name: "CN=guest" }],
  },
  ioErrorReason: { dom, srcPath: "/images/a", devAlias: "virtio-disk0", action: 1, reason: "enospc" },
  controlError: { dom },
  blockJob: { dom, path: "/images/a", type: 1, status: 0 },
  diskChange: { dom, oldSrcPath: "/images/a", newSrcPath: null, devAlias: "ide0-1-0", reason: 0 },
  trayChange: { dom, devAlias: "ide0-1-0", reason: 0 },
  pmwakeup: { dom },
  pmsuspend: { dom },
  balloonChange: { dom, actual: 524_288n },
  pmsuspendDisk: { dom },
  deviceRemoved: { dom, devAlias: "net0" },
  blockJob2: { dom, dst: "vda", type: 1, status: 0 },
  tunable: { dom, params },
  agentLifecycle: { dom, state: 1, reason: 0 },
  deviceAdded: { dom, devAlias: "net0" },
  migrationIteration: { dom, iteration: 2 },
  jobCompleted: { dom, params },
  deviceRemovalFailed: { dom, devAlias: "net0" },
  metadataChange: { dom, type: 2, nsuri: "http://example.org/" },
  blockThreshold: { dom, dev: "vda", path: null, threshold: 1_000n, excess: 1n },
  memoryFailure: { dom, recipient: 0, action: 1, flags: 0 },
  memoryDeviceSizeChange: { dom, alias: "virtiomem0", size: 131_072n },
  nicMacChange: { dom, alias: "net0", oldMac: "52:54:00:00:00:01", newMac: "52:54:00:00:00:02" },
};

/** In the order of libvirt's ids. */
export const sampleEvents: readonly DomainEvent[] = Object.entries(samples).map(
  ([name, content]) => ({ name, ...content }) as DomainEvent,
);
