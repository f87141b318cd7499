import { readFileSync } from "node:fs";

/** What `virtwright` asks of Node: its first line says it. */
const [firstLine = ""] = readFileSync(new URL("../src/cli/main.ts", import.meta.url), "utf8").split("\n");
export const nodeFlags = firstLine.split(" ").filter((word) => word.startsWith("--"));
