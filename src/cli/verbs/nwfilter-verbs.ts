import type { Connection, NwFilter, NwFilterBinding } from "../../open/index.ts";
import { explained, uuidShape } from "./lookup.ts";
import { byName } from "./object-verbs.ts";
import { about, editing, fromFile, type ThingKind, validating } from "./thing-verbs.ts";
import type { Listing, Verbs } from "./verb.ts";

const filters: ThingKind<NwFilter> = {
  parameter: "nwfilter",
  find: async (connection, name) => {
    const byUuid = uuidShape.test(name)
      ? await connection.nwfilterLookupByUuid(name).catch(() => undefined)
      : undefined;
    return byUuid ?? explained(connection.nwfilterLookupByName(name), `failed to get nwfilter '${name}'`);
  },
};

const bindings: ThingKind<NwFilterBinding> = {
  parameter: "binding",
  find: (connection, name) =>
    explained(connection.nwfilterBindingLookupByPortDev(name), `failed to get nwfilter binding '${name}'`),
};

async function list(connection: Connection): Promise<Listing> {
  const objects = byName(await connection.listAllNwfilters()).map(({ uuid, name }) => ({ uuid, name }));
  return { columns: ["UUID", "Name"], rows: objects.map(({ uuid, name }) => [uuid, name]), objects };
}

async function listBindings(connection: Connection): Promise<Listing> {
  const all = [...(await connection.listAllNwfilterBindings())].sort((one, other) =>
    one.portdev < other.portdev ? -1 : 1,
  );
  const objects = all.map(({ portdev, filtername }) => ({ portdev, filter: filtername }));
  return { columns: ["Port Dev", "Filter"], rows: objects.map(({ portdev, filter }) => [portdev, filter]), objects };
}

/** What people script about network filters. */
export const nwfilterVerbs: Verbs = {
  "nwfilter-list": { help: "lists network filters", failure: () => "Failed to list network filters", show: list },
  "nwfilter-dumpxml": about(filters, "shows a network filter's definition", (filter) => filter.getXmlDesc()),
  "nwfilter-define": fromFile(
    "defines a network filter, or changes one",
    "Failed to define network filter from %",
    async (connection, xml, given) => {
      const { name } = await connection.nwfilterDefineXml(xml, validating(given));
      return `Network filter ${name} defined from ${given.need("file")}\n`;
    },
  ),
  "nwfilter-edit": editing(
    filters,
    "edits a network filter's definition",
    "Network filter",
    (filter) => filter.getXmlDesc(),
    (connection, xml) => connection.nwfilterDefineXml(xml),
  ),
  "nwfilter-undefine": about(
    filters,
    "forgets a network filter",
    async (filter) => {
      await filter.undefine();
      return `Network filter ${filter.name} undefined\n`;
    },
    { failure: (given) => `Failed to undefine network filter ${given.need("nwfilter")}` },
  ),
  "nwfilter-binding-list": {
    help: "lists where network filters are in use",
    failure: () => "Failed to list network filter bindings",
    show: listBindings,
  },
  "nwfilter-binding-dumpxml": about(bindings, "shows how a filter is in use", (binding) => binding.getXmlDesc()),
  "nwfilter-binding-create": fromFile(
    "puts a filter to use",
    "Failed to create network filter from %",
    async (connection, xml, given) => {
      const { portdev } = await connection.nwfilterBindingCreateXml(xml, { flags: given.has("validate") ? 1 : 0 });
      return `Network filter on ${portdev} created from ${given.need("file")}\n`;
    },
  ),
  "nwfilter-binding-delete": about(
    bindings,
    "ends the use of a filter",
    async (binding) => {
      await binding.delete();
      return `Network filter on ${binding.portdev} deleted\n`;
    },
    { failure: (given) => `Failed to delete network filter on ${given.need("binding")}` },
  ),
};
