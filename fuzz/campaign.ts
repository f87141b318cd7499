import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";
import type { Target } from "./target.ts";

export interface CampaignOptions {
  readonly corpus: readonly Uint8Array[];
  readonly seed: number;
  /** The first run, and the one after the last. */
  readonly from: number;
  readonly until: number;
  /** Asked before each run. */
  readonly goOn?: (run: number) => boolean;
}

/** An input that has shown a defect. */
export interface Finding {
  readonly run: number;
  readonly input: Uint8Array;
  readonly error: unknown;
}

/** Checks one mutated input after another. Ends with the first finding, or with how many runs there were. */
export async function campaign(target: Target, options: CampaignOptions): Promise<Finding | number> {
  const { corpus, seed, from, until, goOn = () => true } = options;
  let run = from;
  for (; run < until && goOn(run); run++) {
    const input = mutate(new Random(seed, run), corpus, target.dictionary);
    const error = await errorOf(target, input);
    if (error !== undefined) return { run, input, error };
  }
  return run - from;
}

/** A shorter input with the same kind of error: parts are left out as long as that helps. */
export async function shorten(target: Target, { run, input, error }: Finding): Promise<Finding> {
  let best = { run, input, error };
  let tries = 2_000;
  for (let length = input.length >> 1; length > 0; length >>= 1) {
    for (let at = 0; at < best.input.length && tries > 0; tries--) {
      const candidate = Uint8Array.from([...best.input.subarray(0, at), ...best.input.subarray(at + length)]);
      const found = await errorOf(target, candidate);
      if (found !== undefined && kindOf(found) === kindOf(error)) best = { run, input: candidate, error: found };
      else at += length;
    }
  }
  return best;
}

async function errorOf(target: Target, input: Uint8Array): Promise<unknown> {
  try {
    await target.check(input);
    return undefined;
  } catch (error) {
    return error ?? new Error("something that is not an error was thrown");
  }
}

/** Of the message only the beginning: the rest may be about the input. */
function kindOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message.slice(0, 20)}` : String(error);
}
