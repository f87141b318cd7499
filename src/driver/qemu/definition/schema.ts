import type { Completion } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { attributeOrders, childOrders } from "../../domain-orders.ts";

/** Elements of which both lists have all that libvirt's schema has. */
const closed: readonly string[] = (
  "domain os memoryBacking cputune blkiotune memtune features cpu pm devices disk controller filesystem interface serial " +
  "parallel console channel smartcard input tpm graphics sound audio video hostdev redirdev hub watchdog memballoon rng " +
  "panic shmem vsock iommu"
).split(" ");

const names = (text: string | undefined): readonly string[] => text?.split(" ") ?? [];

/**
 * Refuses a definition with elements or attributes that libvirt's schema does not have, as it does when it is to validate
 * one. What an element contains beyond names is not looked at: that is refused or not when it is completed. Throws
 * VirError.
 */
export const checkNames: Completion = (root) => check(root, "");

function check(element: Element, parent: string): void {
  const { name } = element;
  if (name === "metadata" || element.uri !== "") return;
  if (closed.includes(name) && (parent === "" || parent === "domain" || parent === "devices")) {
    const children = names(childOrders[`${parent}/${name}`] ?? childOrders[name]);
    const stranger = element.elements().find((each) => each.uri === "" && !children.includes(each.name));
    if (stranger !== undefined) throw refuse(`Extra element ${stranger.name} in interleave`, name);
    checkAttributes(element, parent);
  }
  for (const child of element.elements()) check(child, name);
}

function checkAttributes(element: Element, parent: string): void {
  const known = attributeOrders[`${parent}/${element.name}`] ?? attributeOrders[element.name];
  if (known === undefined) return;
  const stranger = element.attributes.find(
    ({ name }) => !name.includes(":") && name !== "xmlns" && !names(known).includes(name),
  );
  if (stranger !== undefined) throw refuse(`Invalid attribute ${stranger.name} for element ${element.name}`, parent);
}

function refuse(detail: string, element: string): VirError {
  const text = `${detail}\nElement ${element || "domain"} failed to validate content`;
  return VirError.of(ErrorCode.xmlInvalidSchema, ErrorDomain.xml, text);
}
