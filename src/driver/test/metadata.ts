import type { Domain as WireDomain } from "../../protocol/index.ts";
import { type Element, readXml } from "../../xml/index.ts";
import type { DriverProcedures } from "../driver.ts";
import {
  checkPrefix,
  checkType,
  metadataNames,
  missingMetadata,
  ownElement,
  ownText,
  setOwn,
  setText,
} from "../metadata-element.ts";
import { checkFlags } from "./failure.ts";
import { affect, type Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";

const allFlags = affect.live | affect.config;

/** Title, description and elements of the user's own. */
export function metadataProcedures(hypervisor: Hypervisor): DriverProcedures {
  const find = (dom: WireDomain): Guest => hypervisor.of(dom);
  return {
    domainGetMetadata: ({ dom, type, uri, flags }) => {
      checkFlags(flags, allFlags, "testDomainGetMetadata");
      checkType(type);
      const { root } = find(dom).target(flags);
      const name = metadataNames[type];
      const metadata = name === undefined ? ownText(root, uri ?? "") : root.first(name)?.text;
      if (metadata === undefined || metadata === "") throw missingMetadata();
      return { metadata };
    },
    domainSetMetadata: ({ dom, type, metadata, key, uri, flags }, { signal }) => {
      checkFlags(flags, allFlags, "testDomainSetMetadata");
      checkType(type);
      const name = metadataNames[type];
      const set = (own?: Element): void => {
        const guest = find(dom);
        guest.edit(flags, (root) => {
          if (name === undefined) setOwn(root, uri ?? "", own);
          else setText(root, name, metadata ?? "");
        });
        hypervisor.tell({ name: "metadataChange", dom: guest.reference, type, nsuri: uri });
      };
      if (name !== undefined || metadata === null) return set();
      checkPrefix(key ?? "");
      return readXml(metadata, hypervisor.pauseFor(signal), (read) => set(ownElement(read, key ?? "", uri ?? "")));
    },
  };
}
