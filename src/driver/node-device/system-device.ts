import { Element } from "../../xml/index.ts";
import type { HostFiles } from "../host-files.ts";

const directory = "/sys/devices/virtual/dmi/id";
const unknownUuid = "00000000-0000-0000-0000-000000000000";

/** What the firmware says of the machine itself. */
export async function describeSystem(files: HostFiles): Promise<Element[]> {
  const leaves = async (pairs: Readonly<Record<string, string>>): Promise<Element[]> => {
    const found = await Promise.all(
      Object.entries(pairs).map(
        async ([element, file]) => [element, await files.text(`${directory}/${file}`)] as const,
      ),
    );
    return found.flatMap(([element, value]) =>
      value === undefined || value === "" ? [] : [Element.leaf(element, value)],
    );
  };
  const hardware = { vendor: "sys_vendor", version: "product_version", serial: "product_serial" };
  const firmware = { vendor: "bios_vendor", version: "bios_version", release_date: "bios_date" };
  const uuid = (await files.text(`${directory}/product_uuid`))?.toLowerCase() ?? unknownUuid;
  return [
    ...(await leaves({ product: "product_name" })),
    new Element("hardware", {}, [...(await leaves(hardware)), Element.leaf("uuid", uuid)]),
    new Element("firmware", {}, await leaves(firmware)),
  ];
}
