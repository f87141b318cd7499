import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDefinition } from "../../../src/driver/test/canonical.ts";
import { defaultDomain } from "../../../src/driver/test/default-domain.ts";
import { Guest } from "../../../src/driver/test/guest.ts";
import { readGuest, writeGuest } from "../../../src/driver/test/guest-record.ts";
import { parseRequest } from "../../../src/driver/test/snapshot-definition.ts";
import { formatSnapshot, isExternal, noSnapshots, type Snapshot } from "../../../src/driver/test/snapshots.ts";
import { ErrorCode } from "../../../src/protocol/index.ts";
import { parseXml } from "../../../src/xml/index.ts";

const definition = parseDefinition(defaultDomain);
const request = (xml: string) => parseRequest(() => parseXml(`<domainsnapshot>${xml}</domainsnapshot>`), definition);
const outside = "<memory file='/m'/><disks><disk name='vda'><source file='/d'/></disk></disks>";

function snapshot(name: string, parent?: string): Snapshot {
  return { name, parent, description: undefined, state: 1, createdAt: 5, definition };
}

describe("a snapshot outside of the images", () => {
  it("says where its parts are, and is remembered so", () => {
    const guest = new Guest(definition);
    guest.snapshots.set({ ...snapshot("out"), ...request(outside), name: "out" });
    const kept = readGuest(writeGuest(guest)).snapshots.get("out");
    const shown = formatSnapshot(kept);
    assert.ok(isExternal(kept));
    assert.match(shown, /^ {2}<memory snapshot='external' file='\/m'\/>$/m);
    assert.match(shown, /<disk name='vda' snapshot='external' type='file'>\n *<source file='\/d'\/>/);
  });

  it("has memory in a file, with its whole path", () => {
    assert.throws(() => request("<memory snapshot='external'/>"), { code: ErrorCode.xmlError });
    assert.throws(() => request("<memory snapshot='internal' file='/m'/>"), { code: ErrorCode.xmlError });
    assert.throws(() => request("<memory file='m'/><disks><disk name='vda' snapshot='no'/></disks>"), {
      code: ErrorCode.xmlError,
    });
    assert.throws(() => request(outside.replace(/<memory[^>]*>/, "")), { code: ErrorCode.configUnsupported });
  });
});

describe("snapshots in their order", () => {
  it("are parents first, the youngest child first", () => {
    const snapshots = noSnapshots();
    for (const [name, parent] of [["a"], ["b", "a"], ["c", "b"], ["d", "a"], ["e"]] as const) {
      snapshots.set(snapshot(name ?? "", parent));
    }
    assert.deepEqual(
      snapshots.inOrder().map(({ name }) => name),
      ["e", "a", "d", "b", "c"],
    );
  });
});
