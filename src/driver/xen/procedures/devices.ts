import { type Domain as WireDomain } from "../../../protocol/index.ts";
import { type Element, readXml } from "../../../xml/index.ts";
import type { CallContext, DriverProcedures } from "../../driver.ts";
import { plugCalls } from "../../plug-calls.ts";
import { readDevice } from "../../qemu/device/device-kinds.ts";
import { affect, type Change } from "../../qemu/modification.ts";
import { completeDevice } from "../definition/devices.ts";
import { withDevice, withMedium, withoutDevice } from "../device/device-list.ts";
import { attachLive, checkUpdate, detachLive } from "../device/live-device.ts";
import type { Guests } from "../guests.ts";
import type { Run } from "../run.ts";
import { check, patienceOf } from "./asked.ts";

const all = affect.live | affect.config;

/** Devices come and go: of a guest that runs, of its definition, or of both. As with libvirt no event tells of it. */
export function deviceProcedures(guests: Guests): DriverProcedures {
  const onDevice = async (
    { uuid, name }: WireDomain,
    xml: string,
    flags: number,
    context: CallContext,
    act: (change: Change<Run>, device: Element) => Promise<void>,
  ): Promise<void> => {
    const domain = guests.domains.byUuid(uuid, name);
    const device = await readXml(xml, guests.pauseFor(context.signal), readDevice);
    await guests.modify(domain, flags, "device", patienceOf(context), (change) => act(change, device));
  };
  const attach = (dom: WireDomain, xml: string, flags: number, context: CallContext) => {
    check(flags, all, "libxlDomainAttachDeviceFlags");
    return onDevice(dom, xml, flags, context, async (change, device) => {
      const { config } = change.targets;
      // Once, so that it is the same in both.
      completeDevice(device);
      const next = config && withDevice(config, device);
      await attachLive(guests.xen, change, device);
      if (next !== undefined) await guests.keep(change.domain, next);
    });
  };
  const detach = (dom: WireDomain, xml: string, flags: number, context: CallContext) => {
    check(flags, all, "libxlDomainDetachDeviceFlags");
    return onDevice(dom, xml, flags, context, async (change, device) => {
      const { config } = change.targets;
      const next = config && withoutDevice(config, device);
      await detachLive(guests.xen, change, device);
      if (next !== undefined) await guests.keep(change.domain, next);
    });
  };
  return {
    ...plugCalls(attach, detach),
    domainUpdateDeviceFlags: ({ dom, xml, flags }, context) => {
      check(flags, all, "libxlDomainUpdateDeviceFlags");
      return onDevice(dom, xml, flags, context, async (change, device) => {
        if (change.run !== undefined) throw checkUpdate(device);
        const { config } = change.targets;
        if (config !== undefined) await guests.keep(change.domain, withMedium(config, device));
      });
    },
  };
}
