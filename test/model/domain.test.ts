import assert from "node:assert/strict";
import { test } from "node:test";
import { StateError } from "../../src/event/index.ts";
import { Definition, type Domain, DomainList } from "../../src/model/index.ts";
import { DomainReason, DomainState, ErrorCode, ErrorDomain, VirError } from "../../src/protocol/index.ts";
import { HandLoop } from "../qmp/hand-host.ts";

const uuid = "04c6774c-a016-4ca7-8d75-9930f0bbbd69";
const other = "04c6774c-a016-4ca7-8d75-9930f0bbbd70";

function definition(name: string, uuid: string): Definition {
  return Definition.parse(
    `<domain type='qemu'><name>${name}</name><uuid>${uuid}</uuid><memory>1024</memory><os><type>hvm</type></os></domain>`,
  );
}

function defined(list: DomainList, name = "hello", id = uuid): Domain {
  const domain = list.claim(definition(name, id));
  domain.define(definition(name, id));
  return domain;
}

const running = { state: DomainState.running, reason: DomainReason.running.booted };

test("a run begins, moves and ends; afterwards it can do nothing any more", () => {
  const domain = defined(new DomainList(new HandLoop().loop, ErrorDomain.qemu));
  const first = { id: 1, sequence: 1 };
  domain.begin(first, definition("hello", uuid));
  assert.throws(() => domain.begin({ id: 2, sequence: 2 }, definition("hello", uuid)), StateError);
  assert.deepEqual([domain.id, domain.status.state], [1, DomainState.paused]);
  assert.ok(domain.move(first, running));
  assert.ok(domain.end(first, DomainReason.shutoff.destroyed));
  assert.equal(domain.end(first, DomainReason.shutoff.crashed), false);
  assert.deepEqual(domain.status, { state: DomainState.shutoff, reason: DomainReason.shutoff.destroyed });
});

test("a dead run with the same id does not touch the new one", () => {
  const domain = defined(new DomainList(new HandLoop().loop, ErrorDomain.qemu));
  const dead = { id: 1, sequence: 1 };
  const alive = { id: 1, sequence: 2 };
  domain.begin(dead, definition("hello", uuid));
  domain.end(dead, DomainReason.shutoff.destroyed);
  domain.begin(alive, definition("hello", uuid));
  assert.equal(domain.move(dead, running), false);
  assert.equal(domain.end(dead, DomainReason.shutoff.crashed), false);
  assert.equal(domain.incarnation, alive);
});

test("a running domain shows what it runs as, until it ends", () => {
  const domain = defined(new DomainList(new HandLoop().loop, ErrorDomain.qemu));
  const live = definition("hello", uuid);
  const run = { id: 1, sequence: 1 };
  domain.begin(run, live);
  const next = definition("hello", uuid);
  assert.equal(domain.define(next), true);
  assert.equal(domain.definition, live);
  domain.end(run, DomainReason.shutoff.destroyed);
  assert.equal(domain.definition, next);
});

test("a claimed domain is shown to nobody before it exists", () => {
  const list = new DomainList(new HandLoop().loop, ErrorDomain.qemu);
  const domain = list.claim(definition("hello", uuid));
  assert.deepEqual([...list], []);
  assert.throws(() => list.byUuid(uuid), VirError);
  assert.throws(() => list.byName("hello"), VirError);
  domain.define(definition("hello", uuid));
  assert.deepEqual([...list], [domain]);
  assert.equal(list.byName("hello"), domain);
});

test("a claim takes uuid and name, until it is released", () => {
  const list = new DomainList(new HandLoop().loop, ErrorDomain.qemu);
  const domain = list.claim(definition("hello", uuid));
  assert.throws(() => list.claim(definition("hello", other)), /domain 'hello' already exists with uuid 04c6/);
  assert.throws(() => list.claim(definition("bye", uuid)), /domain 'hello' is already defined with uuid 04c6/);
  assert.equal(list.claim(definition("hello", uuid)), domain);
  list.release(domain);
  const next = list.claim(definition("hello", other));
  assert.equal(next.uuid, other);
});

test("a released domain does not take a successor along", () => {
  const list = new DomainList(new HandLoop().loop, ErrorDomain.qemu);
  const domain = list.claim(definition("hello", uuid));
  list.release(domain);
  const successor = defined(list);
  list.release(domain);
  assert.equal(list.byUuid(uuid), successor);
});

test("only running domains have an id to be looked up by", () => {
  const list = new DomainList(new HandLoop().loop, ErrorDomain.qemu);
  const domain = defined(list);
  domain.begin({ id: 4, sequence: 1 }, definition("hello", uuid));
  assert.equal(list.byId(4), domain);
  for (const [look, message] of [
    [() => list.byId(-1), "Domain not found: no domain with matching id -1"],
    [() => list.byName("x"), "Domain not found: no domain with matching name 'x'"],
    [() => list.byUuid(other), `Domain not found: no domain with matching uuid '${other}'`],
    [() => list.byUuid(other, "x"), `Domain not found: no domain with matching uuid '${other}' (x)`],
  ] as const) {
    assert.throws(look, (error: VirError) => error.code === ErrorCode.noDomain && error.message === message);
  }
});
