import { array, int, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { lookup, readKnown, search } from "./access.ts";
import { listLimit, Nwfilter, NwfilterBinding, names, string, uuid } from "./base.ts";

/** Rules that filter the traffic of domains, and their bindings to interfaces. */
export const nwfilter = {
  /** Looks up a filter by its name. */
  nwfilterLookupByName: proc(175, { args: { name: string }, ret: { nwfilter: Nwfilter }, ...lookup("nwfilter") }),
  /** Looks up a filter by its uuid. */
  nwfilterLookupByUuid: proc(176, { args: { uuid }, ret: { nwfilter: Nwfilter }, ...lookup("nwfilter") }),
  /** A filter's rules. */
  nwfilterGetXmlDesc: proc(177, {
    args: { nwfilter: Nwfilter, flags: uint },
    ret: { xml: string },
    ...readKnown("nwfilter"),
  }),
  /** How many filters there are. */
  connectNumOfNwfilters: proc(178, { ret: { num: int }, ...search("nwfilters", "nwfilter") }),
  /** Their names, at most `maxnames`. */
  connectListNwfilters: proc(179, { args: { maxnames: int }, ret: { names }, ...search("nwfilters", "nwfilter") }),
  /** Makes a filter, or changes it, in running domains too. */
  nwfilterDefineXml: proc(180, {
    args: { xml: string },
    ret: { nwfilter: Nwfilter },
    acl: "nwfilter:write nwfilter:save",
    priority: true,
  }),
  /** Forgets a filter that nobody uses. */
  nwfilterUndefine: proc(181, { args: { nwfilter: Nwfilter }, acl: "nwfilter:delete", priority: true }),
  /** `ret` counts them; `filters` is empty unless `needResults` is 1. */
  connectListAllNwfilters: proc(286, {
    args: { needResults: int, flags: uint },
    ret: { filters: array(Nwfilter, listLimit), ret: uint },
    ...search("nwfilters", "nwfilter"),
  }),
  /** Looks up the binding of an interface of the host. */
  nwfilterBindingLookupByPortDev: proc(397, {
    args: { name: string },
    ret: { nwfilter: NwfilterBinding },
    ...lookup("nwfilter_binding"),
  }),
  /** A binding's description. */
  nwfilterBindingGetXmlDesc: proc(398, {
    args: { nwfilter: NwfilterBinding, flags: uint },
    ret: { xml: string },
    ...readKnown("nwfilter_binding"),
  }),
  /** Binds a filter to an interface of the host. */
  nwfilterBindingCreateXml: proc(399, {
    args: { xml: string, flags: uint },
    ret: { nwfilter: NwfilterBinding },
    acl: "nwfilter_binding:create",
    priority: true,
  }),
  /** Ends the filtering on an interface of the host. */
  nwfilterBindingDelete: proc(400, {
    args: { nwfilter: NwfilterBinding },
    acl: "nwfilter_binding:delete",
    priority: true,
  }),
  /** `ret` counts them; `bindings` is empty unless `needResults` is 1. */
  connectListAllNwfilterBindings: proc(401, {
    args: { needResults: int, flags: uint },
    ret: { bindings: array(NwfilterBinding, listLimit), ret: uint },
    ...search("nwfilter_bindings", "nwfilter_binding"),
  }),
  /** Like `nwfilterDefineXml`; bit 0 of `flags` checks the XML against the schema first. */
  nwfilterDefineXmlFlags: proc(431, {
    args: { xml: string, flags: uint },
    ret: { nwfilter: Nwfilter },
    acl: "nwfilter:write nwfilter:save",
    priority: true,
  }),
} as const;
