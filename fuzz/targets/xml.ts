import assert from "node:assert/strict";
import { SaxesParser } from "saxes";
import { formatDefinition, parseDefinition } from "../../src/driver/test/canonical.ts";
import { Definition } from "../../src/model/index.ts";
import { VirError } from "../../src/protocol/index.ts";
import {
  type Document,
  type Element,
  parseXml,
  parseXmlInChunks,
  writeXml,
  writeXmlInChunks,
  XmlError,
} from "../../src/xml/index.ts";
import type { Target } from "../target.ts";
import { texts } from "./bytes.ts";

/**
 * Any text is read as a tree that can be written and read again, or refused; in chunks as in one go. What is a
 * definition is shown as one that is the same when it is read again.
 */
export const xml: Target = {
  name: "xml",
  dictionary: texts(
    ..."<a> </a> <a/> <!-- --> <![CDATA[ ]]> <? ?> <!DOCTYPE & &lt; &#13; &#10; &#9; &#x1F600; &#0; ' \" = é 😀".split(
      " ",
    ),
    ..."xmlns= xmlns:q='u' q:a <name> <metadata> <disk> <?xml|version='1.0'?> <memory|unit='KiB'> <vcpu|current='1'>"
      .split(" ")
      .map((part) => part.replace("|", " ")),
    "<domain type='test'>",
    "<target dev='vda'/>",
    "<controller type='ide' index='0'/>",
    "\r\n",
    "\t",
    "\0",
  ),
  async check(input) {
    const source = new TextDecoder().decode(input.subarray(1));
    const whole = outcome(() => parseXml(source));
    const options = { chunk: 1 + ((input[0] ?? 0) % 64) };
    checkSame(await outcomeInChunks(source, options), whole);
    if (whole instanceof XmlError) checkExcerpt(whole);
    else {
      assert.deepEqual(namesOf(whole.root), namesBySaxes(source));
      await checkWriting(whole);
    }
    checkDefinition(source);
  },
};

/** Each element with its namespace, in order. */
function namesOf(element: Element): string[] {
  return [`${element.uri} ${element.name}`, ...element.elements().flatMap(namesOf)];
}

/** The same by the parser's own namespaces, which ours stand in for. */
function namesBySaxes(source: string): string[] {
  const names: string[] = [];
  const parser = new SaxesParser({ xmlns: true, defaultXMLVersion: "1.0", forceXMLVersion: true });
  parser.on("opentag", ({ uri, name }) => names.push(`${uri} ${name}`));
  parser.write(source).close();
  return names;
}

function outcome(read: () => Document): Document | XmlError {
  try {
    return read();
  } catch (error) {
    if (error instanceof XmlError) return error;
    throw error;
  }
}

async function outcomeInChunks(source: string, options: { chunk: number }): Promise<Document | XmlError> {
  try {
    return await parseXmlInChunks(source, () => Promise.resolve(), options);
  } catch (error) {
    if (error instanceof XmlError) return error;
    throw error;
  }
}

/** Text outside the root is noticed at its end, or at that of the chunk: so it may be noticed before another error. */
function checkSame(inChunks: Document | XmlError, whole: Document | XmlError): void {
  if (inChunks instanceof XmlError && whole instanceof XmlError && inChunks.message.startsWith("text data outside"))
    assert.ok(inChunks.line <= whole.line);
  else assert.deepEqual(inChunks, whole);
}

function checkExcerpt({ excerpt, line, message }: XmlError): void {
  assert.equal(excerpt.split("\n").length, 2);
  assert.ok(excerpt.length <= 80 * 2 + 1 + 80, excerpt);
  assert.ok(line >= 1 && message.length <= 300);
}

async function checkWriting(document: Document): Promise<void> {
  assert.deepEqual(parseXml(writeXml(document, { layout: "verbatim" })), document);
  const limits = { length: 1_000_000 };
  const text = written(document);
  if (text === undefined) return;
  assert.equal(await writeXmlInChunks(document, () => Promise.resolve(), limits), text);
  assert.equal(written(parseXml(text)), text);
  assert.equal(writeXml(document.root.clone()), writeXml(document.root));
}

/** Undefined when that is too long. */
function written(source: Document | Element): string | undefined {
  try {
    return writeXml(source, { length: 1_000_000 });
  } catch (error) {
    if (error instanceof XmlError) return undefined;
    throw error;
  }
}

function checkDefinition(source: string): void {
  const plain = definition(() => Definition.parse(source));
  if (plain !== undefined) {
    assert.equal(Definition.restore(plain.toXml()).toXml(), plain.toXml());
    const running = plain.root.clone();
    running.setAttribute("id", "7");
    assert.equal(plain.toXml(7), writeXml(running));
  }
  const canonical = definition(() => parseDefinition(source));
  if (canonical === undefined) return;
  const text = formatDefinition(canonical);
  assert.equal(formatDefinition(parseDefinition(text)), text);
}

function definition(read: () => Definition): Definition | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof VirError) return undefined;
    throw error;
  }
}
