const none: readonly string[] = [];

/**
 * Which namespace a prefix means at a place in the document. Asking takes the same time however deep the place is and
 * however many prefixes there are.
 *
 * declare: for the element whose tag is being read. enter: its tag is read. leave: the element has ended.
 */
export class NamespaceScope {
  /** What each prefix means, the innermost last. */
  readonly #meanings = new Map<string, string[]>([
    ["xml", ["http://www.w3.org/XML/1998/namespace"]],
    ["xmlns", ["http://www.w3.org/2000/xmlns/"]],
  ]);
  /** Of each element that is open, the prefixes that it declares. */
  readonly #declared: (readonly string[])[] = [];
  #declaring: string[] = [];

  /** `prefix` is empty for the default namespace. */
  declare(prefix: string, uri: string): void {
    const meanings = this.#meanings.get(prefix);
    if (meanings === undefined) this.#meanings.set(prefix, [uri]);
    else meanings.push(uri);
    this.#declaring.push(prefix);
  }

  enter(): void {
    this.#declared.push(this.#declaring.length === 0 ? none : this.#declaring);
    if (this.#declaring.length > 0) this.#declaring = [];
  }

  leave(): void {
    for (const prefix of this.#declared.pop() ?? []) this.#meanings.get(prefix)?.pop();
  }

  /** Undefined when nothing has declared it. */
  resolve(prefix: string): string | undefined {
    return this.#meanings.get(prefix)?.at(-1);
  }
}
