export { type ParseLimits, parseXml, XmlError } from "./parse.ts";
export {
  type Attribute,
  type Comment,
  type Document,
  Element,
  type Instruction,
  type Node,
  type Text,
  text,
} from "./tree.ts";
export { type WriteOptions, writeXml } from "./write.ts";
