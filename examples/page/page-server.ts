import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import { extname } from "node:path";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".ts": "text/javascript",
};

/**
 * Serves the page at this machine's loopback address; below `/modules/` those of the package, which lie below `modules`.
 * Where there is TypeScript instead of JavaScript its types are taken out.
 */
export async function servePage(modules: URL, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    const file = fileOf(request.url ?? "/", modules);
    const type = types[extname(file.pathname)] ?? "text/plain";
    read(file).then(
      (text) => response.writeHead(200, { "content-type": type, "cache-control": "max-age=60" }).end(text),
      () => response.writeHead(404).end(),
    );
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function fileOf(address: string, modules: URL): URL {
  const { pathname } = new URL(address, "http://page");
  if (pathname.startsWith("/modules/")) return new URL(`.${pathname.slice("/modules".length)}`, modules);
  return new URL(`.${pathname === "/" ? "/index.html" : pathname}`, import.meta.url);
}

/** Rejects where there is nothing. */
async function read(file: URL): Promise<string> {
  if (!Object.hasOwn(types, extname(file.pathname))) throw new RangeError(`${file.pathname} is no part of a page`);
  if (!existsSync(file))
    return stripTypeScriptTypes(await readFile(new URL(file.href.replace(/\.js$/, ".ts")), "utf8"));
  const text = await readFile(file, "utf8");
  return file.pathname.endsWith(".ts") ? stripTypeScriptTypes(text) : text;
}
