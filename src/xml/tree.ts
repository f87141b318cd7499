export interface Attribute {
  /** Qualified, as written: `xmlns:qemu` is an attribute like any other. */
  readonly name: string;
  value: string;
}

export interface Text {
  readonly kind: "text";
  readonly value: string;
  /** Written as a CDATA section. */
  readonly cdata: boolean;
}

export interface Comment {
  readonly kind: "comment";
  readonly value: string;
}

export interface Instruction {
  readonly kind: "instruction";
  readonly target: string;
  readonly body: string;
}

export type Node = Element | Text | Comment | Instruction;

/** One document: the root, and what stood before and after it. The XML declaration is not kept. */
export interface Document {
  readonly before: readonly Node[];
  readonly root: Element;
  readonly after: readonly Node[];
}

/** An element with all that was written in it, in order; attributes included. Typed views change it in place. */
export class Element {
  readonly kind = "element";
  /** Qualified, as written. */
  readonly name: string;
  /** Without its prefix. */
  readonly localName: string;
  /** The namespace; empty for none. */
  readonly uri: string;
  readonly attributes: Attribute[];
  readonly children: Node[];

  /** Lists become the element's own. */
  constructor(
    name: string,
    attributes: Readonly<Record<string, string>> | Attribute[] = [],
    children: Node[] = [],
    uri = "",
  ) {
    this.name = name;
    this.localName = name.slice(name.indexOf(":") + 1);
    this.uri = uri;
    this.attributes = Array.isArray(attributes)
      ? attributes
      : Object.entries(attributes).map(([name, value]) => ({ name, value }));
    this.children = children;
  }

  /** An element that holds nothing but text. */
  static leaf(name: string, value: string, attributes: Readonly<Record<string, string>> = {}): Element {
    return new Element(name, attributes, [text(value)]);
  }

  /** All text in the element itself, comments and elements left out. */
  get text(): string {
    let text = "";
    for (const node of this.children) if (node.kind === "text") text += node.value;
    return text;
  }

  attribute(name: string): string | undefined {
    return this.attributes.find((attribute) => attribute.name === name)?.value;
  }

  /** Changes the attribute in its place, or adds it at the end. */
  setAttribute(name: string, value: string): void {
    const attribute = this.attributes.find((attribute) => attribute.name === name);
    if (attribute === undefined) this.attributes.push({ name, value });
    else attribute.value = value;
  }

  removeAttribute(name: string): void {
    const place = this.attributes.findIndex((attribute) => attribute.name === name);
    if (place >= 0) this.attributes.splice(place, 1);
  }

  /** Replaces all that is in the element. */
  setText(value: string): void {
    this.children.splice(0, this.children.length, text(value));
  }

  /** The child elements of that local name and namespace, in order. */
  all(localName: string, uri = ""): Element[] {
    return this.children.filter((node) => isCalled(node, localName, uri));
  }

  first(localName: string, uri = ""): Element | undefined {
    return this.children.find((node) => isCalled(node, localName, uri));
  }

  /** Follows the first child of each name. */
  find(...path: string[]): Element | undefined {
    return path.reduce<Element | undefined>((at, name) => at?.first(name), this);
  }

  /** Adds `child` behind the last child that is one of `names`; before all other elements where there is none. */
  insertAfter(names: readonly string[], child: Element): void {
    const last = this.children.findLastIndex(
      (node) => node.kind === "element" && node.uri === "" && names.includes(node.name),
    );
    const first = this.children.findIndex((node) => node.kind === "element");
    const place = last < 0 ? first : last + 1;
    this.children.splice(place < 0 ? this.children.length : place, 0, child);
  }

  clone(): Element {
    const children = this.children.map((node) => (node.kind === "element" ? node.clone() : node));
    const attributes = this.attributes.map(({ name, value }) => ({ name, value }));
    return new Element(this.name, attributes, children, this.uri);
  }

  elements(): Element[] {
    return this.children.filter((node) => node.kind === "element");
  }
}

function isCalled(node: Node, localName: string, uri: string): node is Element {
  return node.kind === "element" && node.localName === localName && node.uri === uri;
}

export function text(value: string): Text {
  return { kind: "text", value, cdata: false };
}

/** An element with those of its attributes that have a value, and those of its children that are there. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
  children: readonly (Element | undefined)[] = [],
): Element {
  const given = Object.entries(attributes).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new Element(
    name,
    Object.fromEntries(given),
    children.filter((child) => child !== undefined),
  );
}
