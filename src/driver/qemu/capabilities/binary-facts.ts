import type { JsonObject } from "../../../qmp/index.ts";
import { probe } from "./probe.ts";

export interface MachineFacts {
  readonly name: string;
  readonly alias?: string | undefined;
  readonly maxCpus: number;
  readonly isDefault: boolean;
  readonly isDeprecated: boolean;
}

export interface ModelFacts {
  readonly name: string;
  /** What this machine cannot give it; empty: it can be used as it is. */
  readonly unavailable: readonly string[];
}

/** What a QEMU can do, as it says itself. */
export interface BinaryFacts {
  /** major * 1,000,000 + minor * 1,000 + release. */
  readonly version: number;
  readonly arch: string;
  /** In QEMU's order. */
  readonly machines: readonly MachineFacts[];
  readonly models: readonly ModelFacts[];
  /** What the most capable processor has: QEMU's names. */
  readonly maxFeatures: readonly string[];
  readonly maxVendor: string;
  /** Names of all devices. */
  readonly devices: readonly string[];
  readonly tpmModels: readonly string[];
  readonly tpmBackends: readonly string[];
}

/** Starting a QEMU without a machine takes a fraction of a second; a machine that swaps, longer. */
const timeoutMs = 30_000;

/** Asks a QEMU about itself with one accelerator: "tcg" or "kvm". Rejects with ProbeError. */
export async function readBinaryFacts(binary: string, accelerator: string): Promise<BinaryFacts> {
  const questions = [
    { execute: "query-version" },
    { execute: "query-target" },
    { execute: "query-machines" },
    { execute: "query-cpu-definitions" },
    { execute: "query-cpu-model-expansion", arguments: { type: "full", model: { name: "max" } } },
    { execute: "qom-list-types", arguments: { implements: "device", abstract: false } },
    { execute: "query-tpm-models" },
    { execute: "query-tpm-types" },
  ];
  const answers = await probe(binary, questions, { accelerator, timeoutMs });
  const [version, target, machines, models, expansion, devices, tpmModels, tpmBackends] = answers;
  const properties = record(record(record(expansion)["model"])["props"]);
  const features = Object.entries(properties).filter(([, value]) => value === true);
  return {
    version: versionOf(record(record(version)["qemu"])),
    arch: String(record(target)["arch"]),
    machines: list(machines).map(machineOf),
    models: list(models).map(({ name, "unavailable-features": unavailable }) => ({
      name: String(name),
      unavailable: texts(unavailable),
    })),
    maxFeatures: features.map(([name]) => name),
    maxVendor: typeof properties["vendor"] === "string" ? properties["vendor"] : "",
    devices: list(devices).map(({ name }) => String(name)),
    tpmModels: texts(tpmModels),
    tpmBackends: texts(tpmBackends),
  };
}

function versionOf({ major, minor, micro }: JsonObject): number {
  return Number(major) * 1_000_000 + Number(minor) * 1000 + Number(micro);
}

function machineOf(machine: JsonObject): MachineFacts {
  const { name, alias, "cpu-max": maxCpus, "is-default": isDefault, deprecated } = machine;
  return {
    name: String(name),
    alias: typeof alias === "string" ? alias : undefined,
    maxCpus: Number(maxCpus),
    isDefault: isDefault === true,
    isDeprecated: deprecated === true,
  };
}

function record(value: unknown): JsonObject {
  return typeof value === "object" && value !== null ? (value as JsonObject) : {};
}

function list(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map(record) : [];
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
