import type { Codec, Fields } from "../xdr/index.ts";
import type { Procedure, Program, ReadOnlyRule } from "./procedure.ts";

/** A program as text: a line per row in order of number, then a line per struct that they use. */
export function programText(program: Program): string {
  const rows = Object.entries(program.procedures).sort(([, a], [, b]) => a.number - b.number);
  const structs = new Map<string, string>();
  for (const [, row] of rows) {
    for (const codec of row.kind === "call" ? [row.args, row.ret] : [row.message]) collectStructs(codec, structs);
  }
  return [
    `program ${program.name} 0x${program.number.toString(16)} version ${program.version}`,
    ...rows.map(([name, row]) => `${row.number} ${name}${describeRow(row)}`),
    ...[...structs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, fields]) => `struct ${name} (${fields})`),
    "",
  ].join("\n");
}

function describeRow(row: Procedure): string {
  if (row.kind === "event") return `(${describeFields(row.message.fields)}) event`;
  const result = describeFields(row.ret.fields);
  const facts = [
    `acl ${row.acl}`,
    `read-only ${describeReadOnly(row.readOnly)}`,
    ...(row.priority ? ["priority"] : []),
  ];
  return `(${describeFields(row.args.fields)})${result === "" ? "" : ` -> ${result}`}; ${facts.join("; ")}`;
}

function describeReadOnly(rule: ReadOnlyRule): string {
  return typeof rule === "string" ? rule : `unless flags & ${rule.unlessFlags}`;
}

function describeFields(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, codec]) => `${name}:${codec.name}`)
    .join(", ");
}

function collectStructs(codec: Codec, structs: Map<string, string>): void {
  const { shape } = codec;
  if ("item" in shape) collectStructs(shape.item, structs);
  if (shape.kind !== "struct") return;
  if (!anonymous.has(codec.name)) structs.set(codec.name, describeFields(shape.fields));
  for (const field of Object.values(shape.fields)) collectStructs(field, structs);
}

/** The structs that a row is made of; its line shows them. */
const anonymous: ReadonlySet<string> = new Set(["args", "ret", "message"]);
