import type { Domain } from "../../../model/index.ts";
import type { Domain as WireDomain } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import type { Guests } from "../guests.ts";
import { isDac, type SecurityPolicy } from "../security/guest-user.ts";

/** The first of libvirt's models stands for "none"; the second, where we are root, for users and owners of files. */
export function securityProcedures(guests: Guests, { isPrivileged }: SecurityPolicy): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  const unlabelled = { label: "", enforcing: 0 };
  return {
    nodeGetSecurityModel: () => ({ model: "none", doi: "0" }),
    domainGetSecurityLabel: ({ dom }) => {
      find(dom);
      return unlabelled;
    },
    domainGetSecurityLabelList: ({ dom }) => {
      const { incarnation, definition } = find(dom);
      if (incarnation === undefined) return { labels: [], ret: 0 };
      const own = definition?.root.all("seclabel").find(isDac);
      const dac = { label: own?.first("label")?.text ?? "", enforcing: 0 };
      const labels = isPrivileged ? [unlabelled, dac] : [unlabelled];
      return { labels, ret: labels.length };
    },
  };
}
