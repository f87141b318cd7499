import { Element } from "../../xml/index.ts";

/** `<name key='value'/>`; undefined without a value. */
export function attributed(name: string, key: string, value: string | undefined): Element | undefined {
  return value === undefined ? undefined : new Element(name, { [key]: value });
}

/** `<name>value</name>`; undefined without a value. */
export function textual(name: string, value: string | undefined): Element | undefined {
  return value === undefined ? undefined : Element.leaf(name, value);
}
