import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Element,
  parseXml,
  parseXmlInChunks,
  readXml,
  shortLength,
  writeXml,
  writeXmlInChunks,
  XmlError,
} from "../../src/xml/index.ts";

/** Pauses that are over at once, counted; the one of that number rejects. */
function counting(failAt = Infinity) {
  const counted = {
    pauses: 0,
    pause: async (): Promise<void> => {
      if (++counted.pauses >= failAt) throw new Error("not wanted any more");
    },
  };
  return counted;
}

const flat = (count: number): string => `<a>${"<b c='d'>e &amp; f</b>\n".repeat(count)}</a>`;
const nested = (depth: number, inner: string): string => `${"<a>".repeat(depth)}${inner}${"</a>".repeat(depth)}`;

test("a text is read with a pause after each chunk that is not the last, and is the same tree", async () => {
  const source = flat(2_000);
  for (const chunk of [1_000, 8_192, source.length, source.length + 1]) {
    const counted = counting();
    const document = await parseXmlInChunks(source, counted.pause, { chunk });
    assert.equal(counted.pauses, Math.ceil(source.length / chunk) - 1);
    assert.deepEqual(document, parseXml(source));
  }
});

test("without more being said a chunk has 8,192 characters", async () => {
  const counted = counting();
  await parseXmlInChunks(nested(1, "x".repeat(81_920)), counted.pause);
  assert.equal(counted.pauses, 10);
});

test("a chunk may end anywhere: in a name, a reference, a line end or a character of two units", async () => {
  const source =
    "<?xml version='1.0'?>\r\n<q:é xmlns:q='urn:q' b='&#x1F600;\r\n😀'><![CDATA[]]]]>\r\r\n&amp;😀<!-- - --></q:é>\r";
  for (let chunk = 1; chunk <= source.length; chunk++)
    assert.deepEqual(await parseXmlInChunks(source, counting().pause, { chunk }), parseXml(source));
});

test("an error in a later chunk is the same error, and nothing is read after it", async () => {
  const source = `${flat(500).slice(0, -4)}<c></d>${"<e/>".repeat(10_000)}</a>`;
  const counted = counting();
  const error = await parseXmlInChunks(source, counted.pause, { chunk: 100 }).catch((error: unknown) => error);
  assert.ok(error instanceof XmlError);
  const { message, line, column, excerpt } = error;
  assert.throws(() => parseXml(source), { message, line, column, excerpt });
  assert.equal(counted.pauses, Math.floor(source.indexOf("</d>") / 100));
});

test("reading and writing end when a pause rejects", async () => {
  const reading = counting(3);
  await assert.rejects(parseXmlInChunks(flat(2_000), reading.pause), { message: "not wanted any more" });
  assert.equal(reading.pauses, 3);
  const writing = counting(2);
  await assert.rejects(writeXmlInChunks(parseXml(flat(4_000)), writing.pause), { message: "not wanted any more" });
  assert.equal(writing.pauses, 2);
});

test("a tree is written with a pause after every 16,384 characters or so", async () => {
  for (const source of [flat(4_000), nested(200, "<b/>".repeat(500)), "<a b='&lt;'/>"]) {
    const document = parseXml(source);
    const counted = counting();
    const text = await writeXmlInChunks(document, counted.pause);
    assert.equal(text, writeXml(document));
    assert.ok(counted.pauses <= text.length / 16_384);
    assert.ok(counted.pauses >= Math.floor(text.length / (16_384 + 1_000)), `${counted.pauses} of ${text.length}`);
  }
});

test("one text or attribute of any length is written in parts too", async () => {
  const long = "&lt;".repeat(100_000);
  for (const source of [nested(1, long), `<a b='1' c='${long}' d='2'/>`, `<a c='${long}'><b/></a>`]) {
    const counted = counting();
    const document = parseXml(source);
    const text = await writeXmlInChunks(document, counted.pause);
    assert.equal(text.replaceAll(/\n */g, ""), source);
    assert.ok(counted.pauses >= 100_000 / 16_384, String(counted.pauses));
  }
});

test("writing stops where the text is too long, not at its end", async () => {
  const { root } = parseXml(nested(250, "<b/>".repeat(30_000)));
  const counted = counting();
  await assert.rejects(writeXmlInChunks(root, counted.pause, { length: 100_000 }), /longer than 100000/);
  assert.ok(counted.pauses <= 100_000 / 16_384, String(counted.pauses));
  assert.throws(() => writeXml(root, { length: 100_000 }), XmlError);
  assert.equal(writeXml(root.elements()[0] as Element, { length: 16_000_000 }).length > 100_000, true);
});

test("a short text is read at once, when asked for; a long one before, with pauses", async () => {
  const short = counting();
  assert.equal(
    readXml("<a/>", short.pause, (read) => read().root.name),
    "a",
  );
  assert.throws(() => readXml("<a>", short.pause, (read) => read()), XmlError);
  const long = counting();
  const source = nested(1, "x".repeat(shortLength));
  assert.equal(await readXml(source, long.pause, (read) => read().root.text.length), shortLength);
  assert.ok(long.pauses > 0 && short.pauses === 0);
});

test("who reads a long text hears of its error when he asks, and never of a pause that was refused", async () => {
  const broken = nested(1, "x".repeat(shortLength)).slice(0, -1);
  const unasked = await readXml(broken, counting().pause, () => "not asked");
  assert.equal(unasked, "not asked");
  await assert.rejects(async () => readXml(broken, counting().pause, (read) => read()), XmlError);
  let entered = false;
  const enter = (): void => {
    entered = true;
  };
  await assert.rejects(async () => readXml(broken, counting(1).pause, enter), { message: "not wanted any more" });
  assert.equal(entered, false);
});
