import type { Definition, Domain } from "../../../model/index.ts";
import type { TypedParam } from "../../../protocol/index.ts";
import type { JsonObject } from "../../../qmp/index.ts";
import type { Observation, Observations } from "../observation.ts";
import type { Run } from "../run.ts";

/** A domain of which statistics are made. */
export class Subject {
  readonly domain: Domain;
  readonly definition: Definition;
  readonly run: Run | undefined;
  readonly observations: Observations;
  /** Of what came from QEMU and is not of now. */
  ageMs = 0;

  constructor(domain: Domain, definition: Definition, run: Run | undefined, observations: Observations) {
    this.domain = domain;
    this.definition = definition;
    this.run = run;
    this.observations = observations;
  }

  /** Undefined when QEMU cannot say: what is missing is left out. */
  async ask<T>(command: string, args: JsonObject = {}): Promise<T | undefined> {
    const { run } = this;
    return run === undefined ? undefined : this.note(() => this.observations.ask<T>(run, command, args));
  }

  async note<T>(observe: () => Promise<Observation<T>>): Promise<T | undefined> {
    try {
      const { value, ageMs } = await observe();
      this.ageMs = Math.max(this.ageMs, ageMs);
      return value;
    } catch {
      // It has ended meanwhile, refuses, or has never answered.
      return undefined;
    }
  }
}

/** Makes parameters of one type. */
export const param = {
  int: (field: string, value: number): TypedParam => ({ field, value: { type: "int", value } }),
  uint: (field: string, value: number): TypedParam => ({ field, value: { type: "uint", value } }),
  llong: (field: string, value: bigint): TypedParam => ({ field, value: { type: "llong", value } }),
  ullong: (field: string, value: bigint): TypedParam => ({ field, value: { type: "ullong", value } }),
  string: (field: string, value: string): TypedParam => ({ field, value: { type: "string", value } }),
};
