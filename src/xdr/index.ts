export { type Arms, type Codec, decode, encode, type Fields, type Shape, type TypeOf } from "./codec.ts";
export { array, fixedArray, mapped, optional, type Struct, struct, union } from "./composite.ts";
export { ProtocolError } from "./protocol-error.ts";
export { uintAt, XdrReader } from "./reader.ts";
export {
  boolean,
  char,
  double,
  fixedOpaque,
  hyper,
  int,
  opaque,
  rest,
  text,
  uchar,
  uhyper,
  uint,
  ushort,
} from "./scalar.ts";
export { XdrWriter } from "./writer.ts";
