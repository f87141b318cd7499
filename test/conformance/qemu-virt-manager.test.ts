import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { smallLinux } from "../../lab/guest/linux.ts";
import { fetchPackages, missingPrograms } from "../../lab/xen/fetch.ts";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { DomainState, type Domain as WireDomain } from "../../src/protocol/index.ts";
import { desktopPrograms } from "./clients/desktop.ts";
import type { RecordedCall } from "./clients/proxy.ts";
import { Scene, virtManager } from "./clients/scene.ts";
import { beginningOf, differencesOf, lineOf, outlineOf } from "./clients/transcript.ts";
import { OurDaemon } from "./qemu/our-daemon.ts";
import { PrivateLibvirtd } from "./qemu/private-libvirtd.ts";
import { libvirtd } from "./virsh/teacher.ts";

const missing = [virtManager, libvirtd, ...desktopPrograms].filter((path) => !existsSync(path));
const skip =
  missing.length > 0
    ? `no ${missing.join(", ")}: apt-get install virt-manager gir1.2-gtk-vnc-2.0 xvfb dbus libvirt-daemon`
    : (missingPrograms() ?? PrivateLibvirtd.obstacle ?? false);

const hypervisor = "qemu:///system";
const name = "shown";

function definition(kernel: string, initrd: string): string {
  return `<domain type='qemu'><name>${name}</name><uuid>11111111-2222-3333-4444-555555555555</uuid>
  <memory unit='MiB'>128</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><kernel>${kernel}</kernel><initrd>${initrd}</initrd>
    <cmdline>console=ttyS0 quiet</cmdline></os>
  <features><acpi/><apic/></features>
  <devices>
    <interface type='user'><mac address='52:54:00:11:22:33'/><model type='virtio'/></interface>
    <serial type='pty'/><console type='pty'/>
    <input type='tablet' bus='usb'/>
    <graphics type='vnc' port='-1' autoport='yes'/>
    <video><model type='vga'/></video>
  </devices></domain>`;
}

/** It asks this of one device, which is the first of a list without an order, and gives it up. */
function readable(call: RecordedCall): string {
  return call.name === "nodeDeviceIsActive" ? call.name : lineOf(call);
}

function poolAt(path: string): string {
  const uuid = "11111111-2222-3333-4444-666666666666";
  return `<pool type='dir'><name>default</name><uuid>${uuid}</uuid><target><path>${path}</path></target></pool>`;
}

describe("virt-manager before libvirtd's qemu:///system and ours", { skip, timeout: 170_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-shown-"));
  let loop: Loop;
  let libvirt: PrivateLibvirtd;
  let daemon: OurDaemon;
  let theirs: Scene;
  let ours: Scene;
  let agreed = true;
  const domains = new Map<Scene, WireDomain>();

  before(async () => {
    const { kernel, initrd } = await smallLinux(await fetchPackages());
    loop = openLoop();
    libvirt = new PrivateLibvirtd(join(directory, "libvirt"));
    daemon = new OurDaemon(loop, join(directory, "daemon"));
    await Promise.all([libvirt.start(), daemon.start()]);
    theirs = new Scene(loop, { directory: join(directory, "theirs"), upstream: libvirt.socket, hypervisor });
    ours = new Scene(loop, { directory: join(directory, "ours"), upstream: daemon.socket, hypervisor });
    await both(async (scene) => {
      await scene.open();
      // virt-manager would make one on this machine.
      const path = join(directory, scene === ours ? "our-images" : "their-images");
      await scene.call.storagePoolDefineXml({ xml: poolAt(path), flags: 0 });
      const { dom } = await scene.call.domainDefineXmlFlags({ xml: definition(kernel, initrd), flags: 0 });
      domains.set(scene, dom);
    });
    await startBoth();
  });

  after(async () => {
    await ours.call.domainDestroy({ dom: domainOf(ours) }).catch(() => {});
    await Promise.all([theirs.close(), ours.close()]);
    await daemon.stop();
    await libvirt.stop();
    await loop.close();
    rmSync(directory, { recursive: true });
  });

  function domainOf(scene: Scene): WireDomain {
    return domains.get(scene) as WireDomain;
  }

  /** On both sides alike. */
  async function both(act: (scene: Scene, dom: WireDomain) => unknown): Promise<void> {
    await Promise.all([theirs, ours].map((scene) => act(scene, domainOf(scene))));
  }

  /** One after the other: both would take the same free port for the screen. */
  async function startBoth(): Promise<void> {
    for (const scene of [theirs, ours]) await scene.call.domainCreateWithFlags({ dom: domainOf(scene), flags: 0 });
  }

  function differences(): string[] {
    return differencesOf(outlineOf(theirs.proxy, readable), outlineOf(ours.proxy, readable));
  }

  async function until(what: string, isSo: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await isSo())) {
      assert.ok(performance.now() < deadline, `${what}: not within ${timeoutMs} ms`);
      await sleep(100);
    }
  }

  /** Until both have heard so many more of these calls, and there is nothing that one of them alone has heard. */
  async function agree(call: string, act: () => Promise<void>, more = 1): Promise<void> {
    assert.ok(agreed, "they have parted before");
    agreed = false;
    const counts = new Map([theirs, ours].map((scene) => [scene, scene.count(call) + more]));
    await act();
    const isThere = (): boolean => [...counts].every(([scene, count]) => scene.count(call) >= count);
    await until(call, isThere).catch((error: Error) => {
      const named = [...counts].map(([scene]) => [...new Set(scene.proxy.calls.map((each) => each.name))].join(" "));
      throw new Error(`${error.message}; so far, there: ${named[0]}; here: ${named[1]}`);
    });
    await until("the same calls", () => differences().length === 0, 15_000).catch(() => {});
    assert.equal(differences().join("\n"), "");
    agreed = true;
  }

  async function become(state: number): Promise<void> {
    await both((scene, dom) =>
      until(`state ${state}`, async () => (await scene.call.domainGetState({ dom, flags: 0 })).state === state, 60_000),
    );
  }

  it("shows a guest's screen after the same calls in the same order", async () => {
    await agree("domainOpenGraphicsFd", () => both((scene) => scene.show("--show-domain-console", name)));
    const [there, here] = [theirs, ours].map(({ proxy }) => beginningOf(proxy, "connectNodeDeviceEventRegisterAny"));
    assert.deepEqual(here, there);
    assert.ok(here !== undefined && here.length > 20, `${here?.length} calls`);
  });

  it("hears the same when others suspend and resume it", async () => {
    await agree("domainGetXmlDesc", () => both(({ call }, dom) => call.domainSuspend({ dom })));
    await agree("domainGetXmlDesc", () => both(({ call }, dom) => call.domainResume({ dom })));
  });

  it("hears the same when others shut it down and start it, and shows its screen again", async () => {
    await agree("domainGetXmlDesc", async () => {
      await both(async ({ call }, dom) => {
        // Before it listens a press is lost, as on a real machine.
        await until(
          "its end",
          async () => {
            await call.domainShutdown({ dom }).catch(() => {});
            return (await call.domainGetState({ dom, flags: 0 })).state === DomainState.shutoff;
          },
          90_000,
        );
      });
    });
    await agree("domainOpenGraphicsFd", startBoth);
    await become(DomainState.running);
  });

  it("makes the same calls to show its devices", async () => {
    await agree("connectGetAllDomainStats", () => both((scene) => scene.told("--show-domain-editor", name)), 2);
  });

  it("has seen no error of ours that libvirtd does not give too", () => {
    const [there, here] = [theirs, ours].map(({ proxy }) =>
      proxy.calls.flatMap((call) =>
        call.outcome !== undefined && "error" in call.outcome
          ? [`${lineOf(call)}: ${call.outcome.error.code} ${call.outcome.error.message}`]
          : [],
      ),
    );
    assert.deepEqual(new Set(here), new Set(there));
  });

  it("leaves our daemon alive, and without complaint", async (test) => {
    await ours.call.connectGetType({});
    assert.deepEqual(daemon.warnings, []);
    test.diagnostic(`${ours.proxy.calls.length} calls, ${outlineOf(ours.proxy).size} of them different`);
  });
});
