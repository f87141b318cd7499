import { uint } from "../xdr/index.ts";
import { type Program, proc } from "./procedure.ts";
import { Domain } from "./remote/base.ts";

const procedures = {
  /** Passes descriptors of a container's namespaces. */
  domainOpenNamespace: proc(1, {
    args: { dom: Domain, flags: uint },
    fds: "reply",
    acl: "domain:open_namespace",
    api: "virDomainLxcOpenNamespace",
  }),
} as const;

/** What only Linux containers have. It needs an open connection of the REMOTE program beside. */
export const lxc = { name: "LXC", number: 0x0006_8000, version: 1, procedures } as const satisfies Program;
