import {
  array,
  boolean,
  type Codec,
  double,
  hyper,
  int,
  struct,
  type TypeOf,
  uhyper,
  uint,
  union,
} from "../../xdr/index.ts";
import { string } from "./base.ts";

/** The types in libvirt's words: `llong` and `ullong` have 64 bits. */
export const TypedValue = union("typed_param_value", {
  int: [1, int],
  uint: [2, uint],
  llong: [3, hyper],
  ullong: [4, uhyper],
  double: [5, double],
  boolean: [6, boolean],
  string: [7, string],
});
export type TypedValue = TypeOf<typeof TypedValue>;

export const TypedParam = struct("typed_param", { field: string, value: TypedValue });
/** One of a list of named values: libvirt's way to say what later versions may add to. */
export interface TypedParam extends TypeOf<typeof TypedParam> {}

/** At most `limit` of them, whoever sends them. */
export function typedParams(limit: number): Codec<readonly TypedParam[]> {
  return array(TypedParam, limit);
}
