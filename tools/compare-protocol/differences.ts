import type { Call, Program, Table } from "../../src/protocol/index.ts";
import type { Codec, Fields } from "../../src/xdr/index.ts";
import type { Declaration, Enumerator, XFile } from "./x-file.ts";

/** What a program of the table says otherwise than upstream's files, a line each; undefined when they do not have it. */
export function differences(program: Program, upstream: XFile): string[] | undefined {
  const number = upstream.constants.get(`${program.name}_PROGRAM`);
  if (number === undefined) return undefined;
  const found: string[] = [];
  if (number !== program.number) found.push(`the number of the program: ${program.number} here, ${number} there`);
  const theirs = proceduresOf(program.name, upstream);
  const ours = new Map(rowsOf(program).map((row) => [row.number, row]));
  for (const each of theirs) {
    const row = ours.get(each.number);
    if (row === undefined) found.push(`${each.number} ${each.name}: not here`);
    else
      for (const key of ["name", "args", "ret", "message", "priority", "acl", "stream"] as const) {
        if (each[key] === undefined || each[key] === row[key]) continue;
        found.push(`${each.number} ${row.name}: ${key}: ${row[key]} here, ${each[key]} there`);
      }
    ours.delete(each.number);
  }
  return found.concat([...ours.values()].map((row) => `${row.number} ${row.name}: not there`));
}

/** A row in words that both sides can be put into; undefined where a side has nothing to say. */
interface Description {
  readonly number: number;
  readonly name: string;
  readonly args: string | undefined;
  readonly ret: string | undefined;
  readonly message: string | undefined;
  readonly priority: string | undefined;
  readonly acl: string | undefined;
  readonly stream: string | undefined;
}

function rowsOf(program: Program): Description[] {
  return Object.entries(program.procedures as Table).map(([name, row]) => ({
    number: row.number,
    name,
    args: row.kind === "call" ? describeFields(row.args.fields) : undefined,
    ret: row.kind === "call" ? describeFields(row.ret.fields) : undefined,
    message: row.kind === "event" ? describeFields(row.message.fields) : undefined,
    ...(row.kind === "call" ? columnsOf(row) : { priority: undefined, acl: undefined, stream: undefined }),
  }));
}

function columnsOf(row: Call): Pick<Description, "priority" | "acl" | "stream"> {
  const stream = { download: "read", both: "read", upload: "write", none: "none" }[row.stream?.direction ?? "none"];
  return { priority: row.priority ? "high" : "low", acl: row.acl, stream };
}

function describeFields(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, codec]) => `${plain(name)} ${describe(codec)}`)
    .join(", ");
}

/** A type by its structure alone: names of types are each side's own. */
function describe({ shape, name }: Codec): string {
  switch (shape.kind) {
    case "integer":
    case "double":
      return name === "auth_type" ? "i32" : name;
    case "boolean":
      return "i32";
    case "string":
      return `str<${shape.limit}>`;
    case "opaque":
      return `bytes<${shape.limit}>`;
    case "fixedOpaque":
      return `bytes[${shape.length}]`;
    case "rest":
      return "rest";
    case "array":
      return `${describe(shape.item)}<${shape.limit}>`;
    case "fixedArray":
      return `${describe(shape.item)}[${shape.length}]`;
    case "optional":
      return `${describe(shape.item)}?`;
    case "struct":
      return `(${describeFields(shape.fields)})`;
    case "union":
      return `union(${Object.values(shape.arms)
        .map(([tag, arm]) => `${tag} ${describe(arm)}`)
        .join(", ")})`;
    case "mapped":
      return describe(shape.base);
  }
}

/** Procedures are an enum PROGRAM_PROC_NAME; their types are named program_name_args, _ret and _msg. */
function proceduresOf(program: string, upstream: XFile): Description[] {
  const prefix = `${program}_PROC_`;
  const enumerators = [...upstream.enums.values()].flat().filter(({ name }) => name.startsWith(prefix));
  return enumerators.map((each) => {
    const name = each.name.slice(prefix.length).toLowerCase();
    const types = ["args", "ret", "msg"].map((part) => structure(`${program.toLowerCase()}_${name}_${part}`, upstream));
    const [args, ret, message] = types;
    const isCall = message === undefined && program !== "KEEPALIVE";
    return {
      number: each.value,
      name: name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
      args: isCall ? (args ?? "") : args,
      ret: isCall ? (ret ?? "") : ret,
      message,
      ...(isCall ? tagsOf(each) : { priority: undefined, acl: undefined, stream: undefined }),
    };
  });
}

/** The columns stand in the comment before a procedure; where there is none, there is nothing to compare. */
function tagsOf({ comment }: Enumerator): Pick<Description, "priority" | "acl" | "stream"> {
  const all = (tag: string): string[] =>
    [...comment.matchAll(new RegExp(`@${tag}: *(\\S+)`, "g"))].map(([, v = ""]) => v);
  if (!comment.includes("@")) return { priority: undefined, acl: undefined, stream: undefined };
  const acl = [...all("acl"), ...all("aclfilter").map((filter) => `|filter ${filter}`)];
  return {
    priority: all("priority")[0] ?? "low",
    acl: acl.length === 0 ? undefined : acl.join(" "),
    stream: comment.includes("@readstream") ? "read" : comment.includes("@writestream") ? "write" : "none",
  };
}

/** The fields of a struct; undefined when there is none of this name. */
function structure(name: string, upstream: XFile): string | undefined {
  const definition = upstream.types.get(name);
  if (definition?.kind !== "struct") return undefined;
  return definition.fields.map((field) => `${plain(field.name)} ${declared(field, upstream)}`).join(", ");
}

function declared({ type, count }: Declaration, upstream: XFile): string {
  const limit = count === undefined ? 0 : valueOf(count.limit, upstream);
  const base = { string: "str", opaque: "bytes" }[type] ?? resolve(type, upstream);
  if (count === undefined) return base;
  if (count.form === "*") return `${base}?`;
  return count.form === "<" ? `${base}<${limit}>` : `${base}[${limit}]`;
}

const words: Readonly<Record<string, string>> = {
  int: "i32",
  "unsigned int": "u32",
  hyper: "i64",
  "unsigned hyper": "u64",
  short: "i16",
  "unsigned short": "u16",
  char: "char",
  "unsigned char": "uchar",
  double: "f64",
  bool: "i32",
};

function resolve(type: string, upstream: XFile): string {
  const word = words[type];
  if (word !== undefined) return word;
  const definition = upstream.types.get(type);
  switch (definition?.kind) {
    case undefined:
      throw new SyntaxError(`${type} is not defined: give the file that defines it too, before this one`);
    case "alias":
      return declared(definition.declaration, upstream);
    case "enum":
      return "i32";
    case "struct":
      return `(${structure(type, upstream)})`;
    case "union": {
      const arms = definition.arms.map(([tag, arm]) => `${valueOf(tag, upstream)} ${declared(arm, upstream)}`);
      return `union(${arms.join(", ")})`;
    }
  }
}

function valueOf(word: string, { constants }: XFile): number | string {
  if (word === "") return "";
  const value = constants.get(word) ?? Number(word);
  return Number.isNaN(value) ? word : value;
}

/** `needResults` here is `need_results` there, and `callbackId` is `callbackID`. */
function plain(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}
