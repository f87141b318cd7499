import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ioThreadIds, setIoThreadIds } from "../../../src/driver/tuning/io-thread-list.ts";
import { parseXml, writeXml } from "../../../src/xml/index.ts";

function domain(inner: string) {
  return parseXml(`<domain>${inner}</domain>`).root;
}

describe("a list of I/O threads", () => {
  it("is counted from one", () => {
    assert.deepEqual(ioThreadIds(domain("<iothreads>3</iothreads>")), [1, 2, 3]);
    assert.deepEqual(ioThreadIds(domain("")), []);
  });

  it("begins with those that are named, and goes on with the lowest that are free", () => {
    const named = "<iothreads>4</iothreads><iothreadids><iothread id='5'/><iothread id='2'/></iothreadids>";
    assert.deepEqual(ioThreadIds(domain(named)), [5, 2, 1, 3]);
  });

  it("is not made as long as a number may ask for", () => {
    assert.equal(ioThreadIds(domain("<iothreads>4000000000</iothreads>")).length, 1_000);
  });

  it("keeps what stands at a thread", () => {
    const root = domain("<iothreads>2</iothreads><iothreadids><iothread id='5' thread_pool_max='2'/></iothreadids>");
    setIoThreadIds(root, [5, 7]);
    assert.match(writeXml(root), /<iothreads>2<[^]*<iothread id='5' thread_pool_max='2'\/>\n {4}<iothread id='7'\/>/);
    setIoThreadIds(root, []);
    assert.equal(writeXml(root), "<domain/>\n");
  });
});
