import type { Domain } from "../../../model/index.ts";
import type { Domain as WireDomain } from "../../../protocol/index.ts";
import { type Document, type Element, readXml } from "../../../xml/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import {
  checkPrefix,
  checkType,
  metadataNames,
  missingMetadata,
  ownElement,
  ownText,
  setOwn,
  setText,
} from "../../metadata-element.ts";
import { changed, target, targetsOf } from "../../qemu/modification.ts";
import type { Guests } from "../guests.ts";
import { check, patienceOf } from "./asked.ts";

const all = 3;

/** Title, description and elements of the user's own. */
export function metadataProcedures(guests: Guests): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  return {
    domainGetMetadata: ({ dom, type, uri, flags }) => {
      check(flags, all, "libxlDomainGetMetadata");
      const domain = find(dom);
      checkType(type);
      const { root } = target(domain, flags).definition;
      const name = metadataNames[type];
      const metadata = name === undefined ? ownText(root, uri ?? "") : root.first(name)?.text;
      if (metadata === undefined || metadata === "") throw missingMetadata();
      return { metadata };
    },
    domainSetMetadata: async ({ dom, type, metadata, key, uri, flags }, context) => {
      check(flags, all, "libxlDomainSetMetadata");
      const domain = find(dom);
      checkType(type);
      const pause = async (): Promise<void> => context.signal.throwIfAborted();
      const name = metadataNames[type];
      let own: Element | undefined;
      if (name === undefined && metadata !== null) {
        checkPrefix(key ?? "");
        const read = (document: () => Document): Element => ownElement(document, key ?? "", uri ?? "");
        own = await readXml(metadata, pause, read);
      }
      const edit = (root: Element): void => {
        if (name === undefined) setOwn(root, uri ?? "", own);
        else setText(root, name, metadata ?? "");
      };
      await guests.exclusively(domain, "metadata", patienceOf(context), async () => {
        guests.checkExists(domain);
        const { live, config } = targetsOf(domain, flags);
        if (config !== undefined) await guests.keep(domain, changed(config, edit));
        if (live !== undefined && domain.definition !== undefined) {
          guests.runOf(domain)?.describe(changed(domain.definition, edit));
        }
        guests.publish({ name: "metadataChange", dom: domain.reference, type, nsuri: uri });
      });
    },
  };
}
