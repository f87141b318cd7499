import { type Element, element } from "../../xml/index.ts";
import { PlainFailure } from "./verb.ts";

/** What an address is made of; what has a width is read and written in hexadecimal, with so many digits. */
interface AddressForm {
  readonly type: string;
  readonly parts: readonly (readonly [name: string, width?: number])[];
}

const drive: AddressForm = { type: "drive", parts: [["controller"], ["bus"], ["unit"]] };
const forms: Readonly<Record<string, AddressForm>> = {
  pci: {
    type: "pci",
    parts: [
      ["domain", 4],
      ["bus", 2],
      ["slot", 2],
      ["function", 1],
    ],
  },
  ccw: {
    type: "ccw",
    parts: [
      ["cssid", 2],
      ["ssid", 1],
      ["devno", 4],
    ],
  },
  usb: { type: "usb", parts: [["bus"], ["port"]] },
  scsi: drive,
  sata: drive,
  ide: drive,
};

/** Which addresses a disk may have, by how its target begins; others may have any. */
const expected: Readonly<Record<string, { readonly kinds: readonly string[]; readonly words: string }>> = {
  vd: { kinds: ["pci", "ccw"], words: "a pci:0000.00.00.00 or ccw:00.0.0000" },
  sd: { kinds: ["scsi", "usb", "sata"], words: "a scsi:00.00.00 or usb:00.00 or sata:00.00.00" },
  hd: { kinds: ["ide"], words: "an ide:00.00.00" },
};

/** The address of a disk, of what attach-disk is told: "pci:0000.00.0x0a.0x0". Throws PlainFailure. */
export function diskAddress(text: string, target: string, isMultifunction: boolean): Element {
  const [kind = "", rest = ""] = text.split(/:(.*)/s);
  const form = Object.hasOwn(forms, kind) ? forms[kind] : undefined;
  const values = form === undefined ? undefined : valuesOf(form, rest);
  if (form === undefined || values === undefined) throw new PlainFailure("Invalid address.");
  const wanted = expected[target.slice(0, 2)];
  if (wanted !== undefined && !wanted.kinds.includes(kind)) {
    throw new PlainFailure(`expecting ${wanted.words} address.`);
  }
  const multifunction = form.type === "pci" && isMultifunction ? "on" : undefined;
  return element("address", { type: form.type, ...values, multifunction });
}

function valuesOf({ parts }: AddressForm, text: string): Readonly<Record<string, string>> | undefined {
  const pattern = parts.map(([, width]) => (width === undefined ? "(\\d+)" : "(?:0x)?([\\da-f]+)")).join("\\.");
  const match = new RegExp(`^${pattern}`, "i").exec(text);
  if (match === null) return undefined;
  const values = parts.map(([name, width], at): [string, string] => {
    const digits = (match[at + 1] ?? "").toLowerCase().replace(/^0+(?=.)/, "");
    return [name, width === undefined ? digits : `0x${digits.padStart(width, "0")}`];
  });
  return Object.fromEntries(values);
}
