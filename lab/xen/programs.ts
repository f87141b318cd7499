import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";
import { cached, checkout, keyOf } from "./cache.ts";

/**
 * Programs of this checkout, each with all that it imports in few files, NAME.js in the folder that this resolves with: to start
 * from three hundred files takes an emulated machine half a minute. `entries`: the source of each, from the checkout on.
 */
export async function bundle(entries: Readonly<Record<string, string>>): Promise<string> {
  await using bundled = await rolldown({
    input: { ...entries },
    cwd: checkout,
    platform: "node",
    // Found in node_modules from there too; it brings machine code.
    external: ["koffi"],
  });
  // In one folder: each finds the others by its own address.
  const { output } = await bundled.generate({ entryFileNames: "[name].js", chunkFileNames: "[name].js" });
  const files = output.map((file) => [file.fileName, file.type === "chunk" ? file.code : file.source] as const);
  return await cached(`programs-${keyOf(...files.flat())}`, async (into) => {
    for (const [name, contents] of files) {
      mkdirSync(dirname(join(into, name)), { recursive: true });
      writeFileSync(join(into, name), contents);
    }
  });
}
