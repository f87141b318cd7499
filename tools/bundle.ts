import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { rolldown } from "rolldown";

/**
 * The package's JavaScript, in as few files as its programs have in common: Node takes longer to find a module than to read
 * it, and a short command has a hundred and seventy.
 *
 *     node tools/bundle.ts [--into FOLDER]      default: dist
 */
const root = join(import.meta.dirname, "..");
const { bin, exports, dependencies, optionalDependencies } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
) as {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, { readonly default: string }>>;
  readonly dependencies: object;
  readonly optionalDependencies: object;
};
const { values } = parseArgs({ options: { into: { type: "string", default: join(root, "dist") } } });

const files = [...Object.values(bin), ...Object.values(exports).map((each) => each.default)];
const names = [...files.map((file) => file.replace(/^(\.\/)?dist\//, "").replace(/\.js$/, "")), "libxl/process/main"];
rmSync(join(values.into, "shared"), { recursive: true, force: true });
await using bundle = await rolldown({
  input: Object.fromEntries(names.map((name) => [name, join(root, "src", `${name}.ts`)])),
  platform: "node",
  external: Object.keys({ ...dependencies, ...optionalDependencies }),
  plugins: [{ name: "launch", transform: (code, id) => (id.endsWith("/process/launch.ts") ? findMain(code) : null) }],
});
await bundle.write({ dir: values.into, entryFileNames: "[name].js", chunkFileNames: "shared/[name].js" });

/** It starts the program beside it, and goes elsewhere itself. */
function findMain(code: string): string {
  const found = code.replace("`./main${extname(import.meta.filename)}`", '"../libxl/process/main.js"');
  if (found === code) throw new Error("the program of libxl's processes is found in another way than is known here");
  return found;
}
