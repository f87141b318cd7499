import { type Connection, DomainDefinition } from "../../open/index.ts";
import { findDomain } from "./lookup.ts";
import type { Given, Listing } from "./verb.ts";

async function definition(connection: Connection, given: Given): Promise<DomainDefinition> {
  const domain = await findDomain(connection, given.need("domain"));
  return DomainDefinition.parse(await domain.getXmlDesc({ flags: given.all(["inactive"]) }));
}

/** domblklist. */
export async function blockList(connection: Connection, given: Given): Promise<Listing> {
  const { root, disks } = await definition(connection, given);
  const types = (root.first("devices")?.all("disk") ?? []).map((disk) => disk.attribute("type") ?? "-");
  const objects = disks.map(({ target, source, device }, at) => ({
    type: types[at] ?? "-",
    device,
    target,
    source: source ?? "-",
  }));
  const columns = given.has("details")
    ? (["type", "device", "target", "source"] as const)
    : (["target", "source"] as const);
  return {
    columns: columns.map((name) => name.charAt(0).toUpperCase() + name.slice(1)),
    rows: objects.map((disk) => columns.map((name) => disk[name])),
    objects,
  };
}

/** domiflist. */
export async function interfaceList(connection: Connection, given: Given): Promise<Listing> {
  const { root } = await definition(connection, given);
  const cards = (root.first("devices")?.all("interface") ?? []).map((card) => ({
    interface: card.first("target")?.attribute("dev") ?? "-",
    type: card.attribute("type") ?? "-",
    source:
      ["network", "bridge", "dev"]
        .map((key) => card.first("source")?.attribute(key))
        .find((value) => value !== undefined) ?? "-",
    model: card.first("model")?.attribute("type") ?? "-",
    mac: card.first("mac")?.attribute("address") ?? "-",
  }));
  return {
    columns: ["Interface", "Type", "Source", "Model", "MAC"],
    rows: cards.map((card) => [card.interface, card.type, card.source, card.model, card.mac]),
    objects: cards,
  };
}
