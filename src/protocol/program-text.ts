import type { Arms, Codec, Fields, Shape } from "../xdr/index.ts";
import type { Procedure, Program, ReadOnlyRule, StreamRule } from "./procedure.ts";

/** A program as text: a line per row in order of number, then a line per struct and union that they use. */
export function programText(program: Program): string {
  const rows = Object.entries(program.procedures).sort(([, a], [, b]) => a.number - b.number);
  const structs = new Map<string, string>();
  for (const [, row] of rows) {
    for (const codec of row.kind === "call" ? [row.args, row.ret] : [row.message]) collectStructs(codec, structs);
  }
  return [
    `program ${program.name} 0x${program.number.toString(16)} version ${program.version}`,
    ...rows.map(([name, row]) => `${row.number} ${name}${describeRow(row)}`),
    ...[...structs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text),
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
    ...(row.stream === undefined ? [] : [describeStream(row.stream)]),
    ...(row.fds === undefined ? [] : [`descriptors with the ${row.fds}`]),
  ];
  return `(${describeFields(row.args.fields)})${result === "" ? "" : ` -> ${result}`}; ${facts.join("; ")}`;
}

function describeReadOnly(rule: ReadOnlyRule): string {
  return typeof rule === "string" ? rule : `unless ${rule.argument ?? "flags"} & ${rule.unlessFlags}`;
}

function describeStream({ direction, holesIfFlags }: StreamRule): string {
  return `stream ${direction}${holesIfFlags === undefined ? "" : `, holes if flags & ${holesIfFlags}`}`;
}

function describeFields(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, codec]) => `${name}:${codec.name}`)
    .join(", ");
}

function collectStructs(codec: Codec, structs: Map<string, string>): void {
  const { shape } = codec;
  if (shape.kind === "struct" && !anonymous.has(codec.name)) {
    structs.set(codec.name, `struct ${codec.name} (${describeFields(shape.fields)})`);
  } else if (shape.kind === "union") {
    structs.set(codec.name, `union ${codec.name} (${describeArms(shape.arms)})`);
  }
  for (const part of partsOf(shape)) collectStructs(part, structs);
}

function describeArms(arms: Arms): string {
  return Object.entries(arms)
    .map(([type, [tag, codec]]) => `${tag} ${type}:${codec.name}`)
    .join(", ");
}

/** What a codec is made of. A mapped one stands for itself: its name says enough. */
function partsOf(shape: Shape): readonly Codec[] {
  if (shape.kind === "struct") return Object.values(shape.fields);
  if (shape.kind === "union") return Object.values(shape.arms).map(([, codec]) => codec);
  return "item" in shape ? [shape.item] : [];
}

/** The structs that a row is made of; its line shows them. */
const anonymous: ReadonlySet<string> = new Set(["args", "ret", "message"]);
