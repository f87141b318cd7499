import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { suite, test } from "node:test";
import { layerPicture, layers } from "./layer-picture.ts";

const root = join(import.meta.dirname, "../..");
const src = join(root, "src");
const importOf = /(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/g;
const layerOf = (file: string): string => relative(src, file).split(sep)[0] ?? "";

suite("the layers", () => {
  for (const [layer, declared] of layers(src)) {
    test(`${layer} imports exactly the layers it references`, () => {
      const real = new Set<string>();
      for (const file of globSync(`${layer}/**/*.{ts,tsx}`, { cwd: src })) {
        for (const [, path = ""] of readFileSync(join(src, file), "utf8").matchAll(importOf)) {
          assert.match(path, /\.tsx?$/, `${file} imports ${path}: name the source file`);
          const other = layerOf(join(src, file, "..", path));
          if (other !== layer) real.add(other);
        }
      }
      assert.deepEqual([...real].sort(), [...declared].sort());
    });
  }

  test("the picture in ARCHITECTURE.md is drawn from the references", () => {
    const text = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
    const picture = layerPicture(layers(src));
    assert.ok(text.includes(picture), `put this picture into ARCHITECTURE.md:\n${picture}`);
  });
});
