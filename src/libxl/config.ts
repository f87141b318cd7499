import { disk, domainConfig, type Keys, type Kind, type List, nic } from "./config-keys.ts";
import type { DeviceKind } from "./library.ts";

interface ValueOf {
  text: string;
  name: string;
  integer: number;
  boolean: boolean;
  defbool: boolean;
  integers: readonly number[];
  texts: readonly string[];
  pairs: Readonly<Record<string, string>>;
  anything: unknown;
}

type Value<T> = T extends Kind
  ? ValueOf[T]
  : T extends List<infer Each>
    ? readonly Value<Each>[]
    : { readonly [K in keyof T]?: Value<T[K]> };

/**
 * A domain's configuration, in libxl's own words: its IDL's field names, "type.pv" and the like for its unions. What is
 * left out has libxl's default. Memory is in KiB.
 */
export type DomainConfig = Value<typeof domainConfig>;

/** A disk and a network card, as they stand in a `DomainConfig`. */
export type DiskConfig = Value<typeof disk>;
export type NicConfig = Value<typeof nic>;

export interface DeviceConfigs {
  readonly disk: DiskConfig;
  readonly nic: NicConfig;
}

/** The configuration is not what libxl would understand; `path` says where ("b_info.type.pv.kernl"). */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly path: string;
  readonly problem: string;

  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`);
    this.path = path;
    this.problem = problem;
  }
}

/** libxl's JSON for `config`. ConfigError for a key that libxl does not know: the library would ignore it in silence. */
export function encodeConfig(config: DomainConfig): string {
  return JSON.stringify(encode(domainConfig, config, ""));
}

/** As `encodeConfig`, of one device. */
export function encodeDevice<K extends DeviceKind>(kind: K, device: DeviceConfigs[K]): string {
  return JSON.stringify(encode({ disk, nic }[kind], device, ""));
}

/** The configuration that libxl's JSON says; what has its default is not in it. ConfigError for an unknown key. */
export function decodeConfig(json: string): DomainConfig {
  return decode(domainConfig, JSON.parse(json), "") as DomainConfig;
}

function encode(kind: Kind | Keys | List, value: unknown, path: string): unknown {
  if (typeof kind !== "string") return walk(kind, value, path, encode);
  if (!accepts[kind](value)) throw new ConfigError(path, `must be ${described[kind]}, not ${shown(value)}`);
  return kind === "defbool" ? (value === true ? "True" : "False") : value;
}

/** Values of libxl's own making are taken as they are, but for its way to say yes and no. */
function decode(kind: Kind | Keys | List, value: unknown, path: string): unknown {
  if (typeof kind !== "string") return walk(kind, value, path, decode);
  return kind === "defbool" ? value === "True" : value;
}

function walk(kind: Keys | List, value: unknown, path: string, step: typeof encode): unknown {
  if (isList(kind)) {
    if (!Array.isArray(value)) throw new ConfigError(path, `must be an array, not ${shown(value)}`);
    return value.map((item, index) => step(kind.each, item, `${path}[${index}]`));
  }
  if (typeof value !== "object" || value === null)
    throw new ConfigError(path, `must be an object, not ${shown(value)}`);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => {
        const place = path === "" ? key : `${path}.${key}`;
        if (!Object.hasOwn(kind, key)) throw new ConfigError(place, `libxl knows no such key; ${known(kind)}`);
        return [key, step(kind[key] as Kind | Keys | List, item, place)];
      }),
  );
}

function isList(kind: Keys | List): kind is List {
  return Object.hasOwn(kind, "each");
}

function known(keys: Keys): string {
  return `it knows ${Object.keys(keys).join(", ")}`;
}

function shown(value: unknown): string {
  return value === undefined ? "undefined" : JSON.stringify(value).slice(0, 80);
}

const accepts: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  text: isText,
  name: isText,
  integer: Number.isSafeInteger,
  boolean: (value) => typeof value === "boolean",
  defbool: (value) => typeof value === "boolean",
  integers: (value) => Array.isArray(value) && value.every(Number.isSafeInteger),
  texts: (value) => Array.isArray(value) && value.every(isText),
  pairs: (value) => typeof value === "object" && value !== null && Object.values(value).every(isText),
  anything: (value) => value !== undefined,
};

/** In C a text would end at its first NUL. */
function isText(value: unknown): boolean {
  return typeof value === "string" && !value.includes("\0");
}

const described: Readonly<Record<Kind, string>> = {
  text: "a text",
  name: "a name",
  integer: "an integer",
  boolean: "true or false",
  defbool: "true or false",
  integers: "an array of integers",
  texts: "an array of texts",
  pairs: "an object of texts",
  anything: "JSON",
};
