import { type Domain, DomainState } from "../../../src/protocol/index.ts";
import { parseXml } from "../../../src/xml/index.ts";
import type { DaemonClient } from "./daemon-client.ts";
import { generationOf, type Visible } from "./guest-model.ts";

const inactiveXml = 2;

/** All domains as a client sees them, by uuid. */
export async function observe(
  client: DaemonClient,
  uuids: readonly string[],
  onFound: (sentence: string) => void,
): Promise<ReadonlyMap<string, Visible>> {
  const { domains } = await client.call.connectListAllDomains({ needResults: 1, flags: 0 });
  const seen = new Map<string, Visible>();
  for (const dom of domains) {
    if (uuids.includes(dom.uuid)) seen.set(dom.uuid, await observeOne(client, dom, onFound));
    else if (dom.name !== "test" || dom.id !== 1)
      onFound(`there is a domain that nobody has made: ${dom.name} ${dom.id}`);
  }
  return seen;
}

async function observeOne({ call }: DaemonClient, dom: Domain, onFound: (sentence: string) => void): Promise<Visible> {
  const generation = async (flags: number): Promise<number> => {
    const { xml } = await call.domainGetXmlDesc({ dom, flags });
    const { root } = parseXml(xml);
    const found = generationOf(xml);
    if (found === undefined || root.first("name")?.text !== dom.name) onFound(`${dom.name} has no whole definition`);
    return found ?? -1;
  };
  const { state } = await call.domainGetState({ dom, flags: 0 });
  const { names } = await call.domainSnapshotListNames({ dom, maxnames: 1_000, flags: 0 });
  if ((state === DomainState.shutoff) !== (dom.id === -1)) onFound(`${dom.name} has state ${state} and id ${dom.id}`);
  return {
    name: dom.name,
    generation: await generation(0),
    persistent: (await call.domainIsPersistent({ dom })).persistent === 1,
    run: state === DomainState.shutoff ? "off" : state === DomainState.paused ? "paused" : "running",
    autostart: (await call.domainGetAutostart({ dom })).autostart === 1,
    snapshots: names,
    inactive: await generation(inactiveXml),
  };
}
