import type { HostFiles } from "../host-files.ts";

const paths = ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"];

export interface PciName {
  readonly vendor?: string;
  readonly product?: string;
}

/** The names of makers and their devices, where the machine has the list of them. */
export class PciNames {
  readonly #files: HostFiles;
  /** It has more than a megabyte, and nobody may ask. */
  #text: Promise<string> | undefined;

  constructor(files: HostFiles) {
    this.#files = files;
  }

  /** Four hexadecimal digits each. */
  async find(vendorId: string, productId: string): Promise<PciName> {
    this.#text ??= this.#load();
    const text = await this.#text;
    const start = text.indexOf(`\n${vendorId}  `);
    if (start < 0) return {};
    const own = /\n(?![\t#])/g;
    own.lastIndex = start + 1;
    const section = `${text.slice(start, own.exec(text)?.index)}\n`;
    const vendor = lineAfter(section, `\n${vendorId}  `);
    const product = lineAfter(section, `\n\t${productId}  `);
    return { ...(vendor === undefined ? {} : { vendor }), ...(product === undefined ? {} : { product }) };
  }

  async #load(): Promise<string> {
    for (const path of paths) {
      const text = await this.#files.text(path);
      if (text !== undefined) return `\n${text}\n`;
    }
    return "";
  }
}

function lineAfter(text: string, start: string): string | undefined {
  const at = text.indexOf(start);
  return at < 0 ? undefined : text.slice(at + start.length, text.indexOf("\n", at + start.length)).trim();
}
