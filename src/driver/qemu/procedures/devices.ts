import { Breather } from "../../../event/index.ts";
import type { Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import { type Element, readXml } from "../../../xml/index.ts";
import { fillMac } from "../../domain-device.ts";
import type { CallContext, DriverProcedures } from "../../driver.ts";
import { plugCalls } from "../../plug-calls.ts";
import { attachLive, withDevice } from "../device/attach.ts";
import { detachLive, withoutDevice } from "../device/detach.ts";
import { checkPossible, deviceByAlias, readDevice } from "../device/device-kinds.ts";
import { theDevice } from "../device/find-device.ts";
import type { Removals } from "../device/removals.ts";
import { updateLive, withUpdate } from "../device/update.ts";
import type { Guests } from "../guests.ts";
import { affect, type Change, modify } from "../modification.ts";
import { check, has, patienceOf } from "./asked.ts";

const all = affect.live | affect.config;
const force = 4;

/** Devices come, go and change: of a guest that runs, of its definition, or of both. */
export function deviceProcedures(guests: Guests, removals: Removals): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  const breather = new Breather(guests.loop);
  const read = async (xml: string, { signal }: CallContext): Promise<Element> => {
    const pause = async (): Promise<void> => {
      await breather.breathe();
      signal.throwIfAborted();
    };
    return readXml(xml, pause, readDevice);
  };
  const onDevice = async (
    dom: WireDomain,
    xml: string,
    flags: number,
    context: CallContext,
    act: (change: Change, device: Element) => Promise<void>,
  ): Promise<void> => {
    const domain = find(dom);
    const device = await read(xml, context);
    await modify(guests, domain, flags, "device", patienceOf(context), (change) => act(change, device));
  };
  const attach = (dom: WireDomain, xml: string, flags: number, context: CallContext) => {
    check(flags, all, "qemuDomainAttachDeviceLiveAndConfig");
    return onDevice(dom, xml, flags, context, async (change, device) => {
      fillMac(device);
      const { config } = change.targets;
      const next = config && withDevice(guests, config, device);
      await attachLive(guests, change, device);
      if (next !== undefined) await guests.keep(change.domain, next);
    });
  };
  const detach = (dom: WireDomain, xml: string, flags: number, context: CallContext) => {
    check(flags, all, "qemuDomainDetachDeviceLiveAndConfig");
    return onDevice(dom, xml, flags, context, async (change, wanted) => {
      const { config, live } = change.targets;
      const next = config && withoutDevice(guests, config, wanted);
      if (live !== undefined) {
        // Of a kind that cannot be unplugged it does not matter whether it is there.
        checkPossible(wanted, "live", "detach");
        await detachLive(removals, change, theDevice(live.root.first("devices"), wanted, "live"), true);
      }
      if (next !== undefined) await guests.keep(change.domain, next);
    });
  };
  return {
    ...plugCalls(attach, detach),
    domainDetachDeviceAlias: ({ dom, alias, flags }, context) => {
      check(flags, all, "qemuDomainDetachDeviceAliasLiveAndConfig");
      return modify(guests, find(dom), flags, "device", patienceOf(context), async (change) => {
        const { config, live } = change.targets;
        const known = config && named(config.root.first("devices"), alias);
        const next = config && known && withoutDevice(guests, config, known);
        if (live !== undefined) await detachLive(removals, change, named(live.root.first("devices"), alias), false);
        if (next !== undefined) await guests.keep(change.domain, next);
      });
    },
    domainUpdateDeviceFlags: ({ dom, xml, flags }, context) => {
      check(flags, all | force, "qemuDomainUpdateDeviceFlags");
      return onDevice(dom, xml, flags, context, async (change, device) => {
        const { config } = change.targets;
        const next = config && withUpdate(guests, config, device);
        await updateLive(guests, change, device, has(flags, force));
        if (next !== undefined) await guests.keep(change.domain, next);
      });
    },
  };
}

function named(devices: Element | undefined, alias: string): Element {
  const found = deviceByAlias(devices, alias);
  if (found !== undefined) return found;
  throw VirError.of(ErrorCode.internalError, ErrorDomain.domain, `no device found with alias ${alias}`);
}
