import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type Call, type Procedure, publicFunction, type ReadOnlyRule, remote } from "../../src/protocol/index.ts";

/** Where a row says something else than libvirt does, and why. */
const ours: Readonly<Record<string, string>> = {
  // libvirt forgets to deny to read-only connections what changes a domain.
  domainDelThrottleGroup: "virDomainDelThrottleGroup low denied",
};

const rows = new Map(Object.entries<Procedure>(remote.procedures).map(([name, row]) => [row.number, { name, row }]));
const lines = readFileSync(new URL("facts.txt", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .slice(1);

describe("what is known of libvirt's procedures", () => {
  it("is known of all", () => {
    assert.equal(lines.length, rows.size);
  });

  for (const line of lines) {
    const [number, upstream = "", ...facts] = line.split(" ");
    const name = upstream.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

    it(`holds for ${name}: name, access, priority, stream, descriptors`, () => {
      const found = rows.get(Number(number));
      assert.equal(found?.name, name);
      const said = factsOf(name, found.row);
      const exception = ours[name];
      if (exception === undefined) assert.equal(said, facts.join(" "));
      else assert.ok(said.startsWith(exception) && !facts.join(" ").startsWith(exception), said);
    });
  }
});

function factsOf(name: string, row: Procedure): string {
  if (row.kind === "event") return "event";
  const priority = row.priority ? "high" : "low";
  const stream = streamOf(row);
  return [publicFunction(name, row) ?? "-", priority, ruleOf(row.readOnly), stream, row.fds ?? "-", row.acl].join(" ");
}

function ruleOf(rule: ReadOnlyRule): string {
  return typeof rule === "string" ? rule : `unless:${rule.argument ?? "flags"}&${rule.unlessFlags}`;
}

function streamOf({ stream }: Call): string {
  if (stream === undefined) return "-";
  return stream.holesIfFlags === undefined
    ? stream.direction
    : `${stream.direction},holes:flags&${stream.holesIfFlags}`;
}
