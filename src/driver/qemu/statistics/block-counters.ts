import type { Element } from "../../../xml/index.ts";
import { aliasOf } from "../devices-of.ts";

/** As `query-blockstats` answers, as far as it is read here. */
export interface BlockAnswer {
  readonly qdev?: string;
  readonly device?: string;
  readonly stats: Readonly<Record<string, number>>;
  readonly parent?: { readonly stats: Readonly<Record<string, number>> };
  readonly backing?: BlockAnswer;
  readonly "node-name"?: string;
}

/** What a disk has done since the start. */
export interface BlockCounters {
  readonly rdReqs: bigint;
  readonly rdBytes: bigint;
  readonly rdTimes: bigint;
  readonly wrReqs: bigint;
  readonly wrBytes: bigint;
  readonly wrTimes: bigint;
  readonly flReqs: bigint;
  readonly flTimes: bigint;
  /** The highest byte that was written, of the image. */
  readonly highestOffset: bigint;
}

export function countersOf({ stats, parent }: BlockAnswer): BlockCounters {
  const of = (name: string): bigint => BigInt(stats[name] ?? 0);
  return {
    rdReqs: of("rd_operations"),
    rdBytes: of("rd_bytes"),
    rdTimes: of("rd_total_time_ns"),
    wrReqs: of("wr_operations"),
    wrBytes: of("wr_bytes"),
    wrTimes: of("wr_total_time_ns"),
    flReqs: of("flush_operations"),
    flTimes: of("flush_total_time_ns"),
    highestOffset: BigInt((parent?.stats ?? stats)["wr_highest_offset"] ?? 0),
  };
}

/** The answer about a disk: QEMU names the device by a path that has the alias in it. */
export function answerOf(answers: readonly BlockAnswer[], disk: Element): BlockAnswer | undefined {
  const alias = aliasOf(disk);
  return answers.find(({ qdev, device }) => qdev?.split("/").includes(alias) === true || device === `drive-${alias}`);
}

/** Of several disks together. */
export function sumOf(all: readonly BlockCounters[]): BlockCounters {
  const sum = (of: (each: BlockCounters) => bigint): bigint => all.reduce((total, each) => total + of(each), 0n);
  return {
    rdReqs: sum(({ rdReqs }) => rdReqs),
    rdBytes: sum(({ rdBytes }) => rdBytes),
    rdTimes: sum(({ rdTimes }) => rdTimes),
    wrReqs: sum(({ wrReqs }) => wrReqs),
    wrBytes: sum(({ wrBytes }) => wrBytes),
    wrTimes: sum(({ wrTimes }) => wrTimes),
    flReqs: sum(({ flReqs }) => flReqs),
    flTimes: sum(({ flTimes }) => flTimes),
    highestOffset: 0n,
  };
}
