import { element, writeXml } from "../../xml/index.ts";
import { attributed, textual } from "./made-xml.ts";
import type { Given } from "./verb.ts";

/** What a storage pool can be told to be made of. */
export const poolXmlTexts: readonly string[] = [
  "source-host",
  "source-path",
  "source-dev",
  "source-name",
  "target",
  "source-format",
];

/** A storage pool's definition of what pool-define-as and pool-create-as are told. */
export function poolXml(given: Given): string {
  const source = [
    attributed("host", "name", given.text("source-host")),
    attributed("dir", "path", given.text("source-path")),
    attributed("device", "path", given.text("source-dev")),
    attributed("format", "type", given.text("source-format")),
    textual("name", given.text("source-name")),
  ];
  const target = textual("path", given.text("target"));
  return writeXml(
    element("pool", { type: given.need("type") }, [
      textual("name", given.need("name")),
      source.some((part) => part !== undefined) ? element("source", {}, source) : undefined,
      target && element("target", {}, [target]),
    ]),
  );
}
