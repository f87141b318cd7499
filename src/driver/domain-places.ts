import type { Element } from "../xml/index.ts";
import { attributeOrders, childOrders } from "./domain-orders.ts";
import { arrange, placesOf } from "./objects/xml-places.ts";

const places = placesOf(childOrders);
const attributePlaces = placesOf(attributeOrders);

/** Puts what is in a domain's definition, or in a part of one, into libvirt's order. */
export function arrangeDomain(element: Element): void {
  arrange(element, places, attributePlaces);
}
