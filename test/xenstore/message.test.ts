import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { joinStrings, splitStrings } from "../../src/xenstore/body.ts";
import { XenstoreClosedError, XenstoreError } from "../../src/xenstore/errors.ts";
import { bodyLimit, encodeMessage, headerLength, type Message } from "../../src/xenstore/message.ts";
import { MessageSplitter } from "../../src/xenstore/message-splitter.ts";
import { type Access, formatPermissions, parsePermissions } from "../../src/xenstore/permissions.ts";

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const plain = { noNullPrototype: true };
const message: fc.Arbitrary<Message> = fc.record(
  { type: word, requestId: word, transactionId: word, body: fc.uint8Array({ maxLength: 100 }) },
  plain,
);

test("messages come out as they went in, however their bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(message), fc.infiniteStream(fc.integer({ min: 1, max: 60 })), (messages, sizes) => {
      const bytes = Buffer.concat(messages.map(encodeMessage));
      const splitter = new MessageSplitter();
      const found: Message[] = [];
      for (let from = 0; from < bytes.length; ) {
        const [size = 1] = sizes;
        const part = new Uint8Array(bytes.subarray(from, from + size));
        found.push(...splitter.push(part));
        // The transport may use its buffer again.
        part.fill(0);
        from += size;
      }
      assert.deepEqual(found, messages);
    }),
  );
});

test("the longest body is taken, and one byte more is refused before it has come", () => {
  const header = { type: 2, requestId: 1, transactionId: 0 };
  const longest = { ...header, body: new Uint8Array(bodyLimit) };
  assert.equal([...new MessageSplitter().push(encodeMessage(longest))].length, 1);
  const tooLong = encodeMessage({ ...header, body: new Uint8Array(bodyLimit + 1) }).subarray(0, headerLength);
  assert.throws(() => [...new MessageSplitter().push(tooLong)], XenstoreClosedError);
});

test("strings come out of a body as they went in", () => {
  const text = fc.string({ unit: "grapheme" }).map((each) => each.replaceAll("\0", ""));
  fc.assert(fc.property(fc.array(text), (strings) => assert.deepEqual(splitStrings(joinStrings(strings)), strings)));
});

test("permissions come out as they went in, and nonsense is refused", () => {
  const access = fc.constantFrom<Access>("none", "read", "write", "both");
  const domain = fc.nat({ max: 32_752 });
  const domains = fc.array(fc.record({ domain, access }, plain));
  const permissions = fc.record({ owner: domain, others: access, domains }, plain);
  fc.assert(fc.property(permissions, (each) => assert.deepEqual(parsePermissions(formatPermissions(each)), each)));
  for (const entries of [[], ["x1"], ["r"], ["r1x"], [""]])
    assert.throws(() => parsePermissions(entries), XenstoreError);
});
