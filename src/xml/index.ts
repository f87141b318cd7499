export {
  type ChunkOptions,
  type ParseLimits,
  type Pause,
  parseXml,
  parseXmlInChunks,
  readXml,
  shortLength,
  XmlError,
} from "./parse.ts";
export {
  type Attribute,
  type Comment,
  type Document,
  Element,
  element,
  type Instruction,
  type Node,
  type Text,
  text,
} from "./tree.ts";
export { type WriteOptions, writeXml, writeXmlInChunks } from "./write.ts";
