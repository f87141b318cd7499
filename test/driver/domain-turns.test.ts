import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { DomainTurns } from "../../src/driver/domain-turns.ts";
import { Deferred } from "../../src/event/index.ts";
import { Definition, type Domain } from "../../src/model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../src/protocol/index.ts";
import { HandLoop } from "../qmp/hand-host.ts";

const hello = Definition.parse(
  "<domain type='qemu'><name>hello</name><memory>1024</memory><os><type>hvm</type></os></domain>",
);
const turns = (): Promise<void> => new Promise(setImmediate);

/** A domain, and events that somebody is still to be told of. */
function world() {
  const hand = new HandLoop();
  const told = new Deferred();
  const store = {
    load: async () => ({ definitions: [], unreadable: [] }),
    save: async () => {},
    remove: async () => {},
  };
  const driver = new DomainTurns(
    { loop: hand.loop, store, told: () => told.promise, report: assert.ifError },
    {
      domain: ErrorDomain.qemu,
      closed: () => VirError.of(ErrorCode.operationInvalid, ErrorDomain.qemu, "closed"),
      toVirError: (error) => error,
    },
  );
  return { hand, told, driver, domain: driver.domains.claim(hello) };
}

/** The work, and what has become of it so far. */
function watched(work: Promise<unknown>): { readonly outcome: string } {
  const seen = { outcome: "" };
  work.then(
    (value) => {
      seen.outcome = String(value);
    },
    (error: Error) => {
      seen.outcome = error.message;
    },
  );
  return seen;
}

suite("who has had a turn", () => {
  type Body = () => Promise<string>;
  const ways: Record<string, (driver: DomainTurns, domain: Domain, body: Body) => Promise<string>> = {
    shortly: (driver, domain, body) => driver.exclusively(domain, "suspend", {}, body),
    "at length": (driver, domain, body) => driver.atLength(domain, "dump", {}, body),
  };
  const bodies: Record<string, Body> = {
    done: async () => "done",
    "disk full": () => Promise.reject(new Error("disk full")),
  };
  for (const [way, run] of Object.entries(ways))
    for (const [outcome, body] of Object.entries(bodies))
      test(`${way} hears "${outcome}" when everybody has been told of what happened`, async () => {
        const { told, driver, domain } = world();
        const seen = watched(run(driver, domain, body));
        await turns();
        assert.equal(seen.outcome, "");
        told.resolve();
        await turns();
        assert.equal(seen.outcome, outcome);
      });
});

test("who never had a turn hears that at once, whatever the disk does", async () => {
  const { hand, driver, domain } = world();
  watched(driver.exclusively(domain, "save", {}, () => new Promise(() => {})));
  const seen = watched(driver.exclusively(domain, "resume", { deadline: hand.loop.now() + 1_000 }, async () => "late"));
  await hand.pass(2_000);
  assert.match(seen.outcome, /cannot acquire state change lock/);
});
