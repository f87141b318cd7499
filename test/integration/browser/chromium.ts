import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const places = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];

/** Undefined where there is none. */
export const chromiumPath: string | undefined = places.find((path) => existsSync(path));

/** Ends with what holds it. */
export function openChromium(): Promise<Browser> {
  // Its sandbox needs a user who is not root; of the pages in it there are only ours.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: chromiumPath ?? "", args });
}
