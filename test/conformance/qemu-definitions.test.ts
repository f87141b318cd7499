import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { dumpDefinition } from "../../src/driver/qemu/definition/dump.ts";
import { Definition } from "../../src/model/index.ts";
import { runBatch } from "./qemu-definitions/batch.ts";
import { normalise } from "./qemu-definitions/normalise.ts";
import { refused, refusedXml } from "./qemu-definitions/refused.ts";
import { names, skip, Workshop } from "./qemu-definitions/workshop.ts";

/** Where we differ, and why. */
const different: Readonly<Record<string, string>> = {
  unknown: "libvirt forgets what it does not know, and we keep it",
};
/** Of these libvirt refuses what it has shown itself: it gives a serial port a number that is too high. */
const refusedAgain: readonly string[] = ["serials", "serials-more"];

interface Answers {
  /** After the definition that both were given. */
  readonly theirs: string;
  /** After ours, which its schema is to accept. */
  readonly again: string;
}

describe("a definition completed by libvirt's QEMU driver and by ours", { skip, timeout: 170_000 }, () => {
  const workshop = new Workshop();
  const answers = new Map<string, Answers>();
  const refusals = new Map<string, string>();
  const show = (definition: Definition): string => dumpDefinition(definition, { secure: true });

  before(async () => {
    await workshop.open();
    const look = (name: string): string => `dumpxml --inactive --security-info ${name}; undefine --nvram ${name}`;
    const lines = names.flatMap((name) => [
      `define ${workshop.write(`${name}.xml`, workshop.given(name))}; ${look(name)}`,
      `define --validate ${workshop.write(`${name}-ours.xml`, show(workshop.ours(name)))}; ${look(name)}`,
    ]);
    const texts = await runBatch(workshop.socket, lines);
    for (const [at, name] of names.entries()) {
      answers.set(name, { theirs: normalise(texts[2 * at] ?? ""), again: normalise(texts[2 * at + 1] ?? "") });
    }
    const wrong = Object.entries(refused);
    const complaints = await runBatch(
      workshop.socket,
      wrong.map(([, each], at) => `define ${workshop.write(`refused-${at}.xml`, refusedXml(each))}`),
    );
    for (const [at, [name]] of wrong.entries()) refusals.set(name, complaints[at] ?? "");
  });

  after(() => workshop.close());

  for (const name of names) {
    it(`is shown the same: ${name}`, () => {
      const shown = normalise(show(workshop.ours(name)));
      const { theirs } = answers.get(name) ?? {};
      if (name in different) assert.notEqual(shown, theirs, "it is the same: it is not to be listed as different");
      else assert.equal(shown, theirs);
    });
  }

  for (const name of names.filter((each) => !(each in different) && !refusedAgain.includes(each))) {
    it(`is valid as we show it, and read again the same: ${name}`, () => {
      const again = Definition.parse(show(workshop.ours(name)), workshop.complete);
      assert.equal(normalise(show(again)), answers.get(name)?.again);
    });
  }

  for (const [name, each] of Object.entries(refused)) {
    it(`is refused in the same words: ${name}`, () => {
      const theirs = refusals.get(name) ?? "";
      assert.throws(
        () => Definition.parse(refusedXml(each), workshop.complete),
        (error: Error) => {
          assert.equal(error.message, theirs.replace(/^.*\nerror: /s, "").trim());
          return true;
        },
      );
    });
  }
});
