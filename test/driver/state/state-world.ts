import { join } from "node:path";
import type { CallContext, DriverProcedures } from "../../../src/driver/driver.ts";
import { QemuDriver } from "../../../src/driver/qemu/index.ts";
import { TestDriver } from "../../../src/driver/test/index.ts";
import { XenDriver } from "../../../src/driver/xen/index.ts";
import type { Loop } from "../../../src/event/index.ts";
import { FakeXen } from "../xen/fake-xen.ts";

/** Whose state the fixtures are. */
export const uuids = {
  guest: "04c6774c-a016-4ca7-8d75-9930f0bbbd69",
  running: "04c6774c-a016-4ca7-8d75-9930f0bbbd70",
  xen: "04c6774c-a016-4ca7-8d75-9930f0bbbd71",
  secret: "04c6774c-a016-4ca7-8d75-9930f0bbbd72",
  network: "04c6774c-a016-4ca7-8d75-9930f0bbbd73",
  pool: "04c6774c-a016-4ca7-8d75-9930f0bbbd74",
  simulated: "04c6774c-a016-4ca7-8d75-9930f0bbbd75",
};

/** In the place of the number of the boot in which a fixture was written. */
export const fixtureBoot = "11111111-2222-3333-4444-555555555555";

export function definition(type: string, name: string, uuid: string): string {
  const os = type === "xen" ? "<os><type>linux</type><kernel>/k</kernel></os>" : "<os><type>hvm</type></os>";
  return `<domain type='${type}'><name>${name}</name><uuid>${uuid}</uuid><memory>16384</memory>${os}</domain>`;
}

export interface Places {
  readonly qemu: string;
  readonly qemuRun: string;
  readonly networks: string;
  readonly networksRun: string;
  readonly pools: string;
  readonly poolsRun: string;
  readonly xen: string;
  readonly xenRun: string;
  readonly test: string;
}

/** Every directory of state that a daemon has, below one. */
export function placesIn(root: string): Places {
  const at = (name: string): string => join(root, name);
  return {
    qemu: at("qemu"),
    qemuRun: at("run-qemu"),
    networks: at("networks"),
    networksRun: at("run-networks"),
    pools: at("pools"),
    poolsRun: at("run-pools"),
    xen: at("xen"),
    xenRun: at("run-xen"),
    test: at("test"),
  };
}

export function openQemu(loop: Loop, root: string, onWarning: (error: unknown) => void): Promise<QemuDriver> {
  const places = placesIn(root);
  return QemuDriver.open(loop, {
    uri: "qemu:///system",
    stateDir: places.qemu,
    runDir: places.qemuRun,
    logDir: join(root, "log"),
    resources: {
      networkDir: places.networks,
      networkRunDir: places.networksRun,
      poolDir: places.pools,
      poolRunDir: places.poolsRun,
    },
    onWarning,
  });
}

export function openXen(loop: Loop, root: string, onWarning: (error: unknown) => void): Promise<XenDriver> {
  const { xen: stateDir, xenRun: runDir } = placesIn(root);
  const xen = new FakeXen({ turn: async () => {}, later: (_what, act) => loop.post(act) });
  return XenDriver.open(loop, { stateDir, runDir, onWarning, xen: xen.surroundings });
}

/** The procedures of what `connect` gives, with a caller of their own. */
export async function openTest(
  loop: Loop,
  root: string,
  onWarning: (error: unknown) => void,
): Promise<{ readonly driver: TestDriver; readonly procedures: DriverProcedures }> {
  const driver = new TestDriver(loop, { onWarning });
  try {
    const uri = `test:///default?state=${placesIn(root).test}`;
    const { hypervisor } = await driver.connect(uri, { readOnly: false });
    return { driver, procedures: hypervisor.procedures };
  } catch (error) {
    await driver.close();
    throw error;
  }
}

export function caller(): CallContext {
  return { signal: new AbortController().signal, readOnly: false, takeFds: () => [], passFds: () => {} };
}
