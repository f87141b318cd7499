import { Breather } from "../../../event/index.ts";
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
import type { Guests } from "../guests.ts";
import { affect, modify, target } from "../modification.ts";
import { check, patienceOf } from "./asked.ts";

const flagsOfAll = affect.live | affect.config;

/** Title, description and elements of the user's own. */
export function metadataProcedures(guests: Guests): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  const breather = new Breather(guests.loop);
  return {
    domainGetMetadata: ({ dom, type, uri, flags }) => {
      check(flags, flagsOfAll, "qemuDomainGetMetadata");
      const domain = find(dom);
      checkType(type);
      const { root } = target(domain, flags).definition;
      const name = metadataNames[type];
      const metadata = name === undefined ? ownText(root, uri ?? "") : root.first(name)?.text;
      if (metadata === undefined || metadata === "") throw missingMetadata();
      return { metadata };
    },
    domainSetMetadata: async ({ dom, type, metadata, key, uri, flags }, context) => {
      check(flags, flagsOfAll, "qemuDomainSetMetadata");
      const domain = find(dom);
      checkType(type);
      const pause = async (): Promise<void> => {
        await breather.breathe();
        context.signal.throwIfAborted();
      };
      const name = metadataNames[type];
      let own: Element | undefined;
      if (name === undefined && metadata !== null) {
        checkPrefix(key ?? "");
        const read = (document: () => Document): Element => ownElement(document, key ?? "", uri ?? "");
        own = await readXml(metadata, pause, read);
      }
      await modify(guests, domain, flags, "metadata", patienceOf(context), async (change) => {
        await change.editAll((root) => {
          if (name === undefined) setOwn(root, uri ?? "", own);
          else setText(root, name, metadata ?? "");
        });
        guests.publish({ name: "metadataChange", dom: domain.reference, type, nsuri: uri });
      });
    },
  };
}
