import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createServer as createSecureServer } from "node:tls";
import { Daemon } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import { DuplexTransport } from "../../src/net/index.ts";
import { openLoop } from "../../src/os/index.ts";

/** Our daemon with the test driver, behind Node's own servers: as many ways to it as there are transports. */
export class Ways implements AsyncDisposable {
  readonly directory: string;
  readonly #parts: AsyncDisposableStack;
  readonly #daemon: Daemon;
  readonly #loop;
  readonly sockets = new Set<Socket>();

  constructor(directory: string) {
    this.directory = directory;
    this.#parts = new AsyncDisposableStack();
    this.#loop = this.#parts.use(openLoop());
    const driver = this.#parts.use(new TestDriver(this.#loop));
    this.#daemon = this.#parts.use(new Daemon(this.#loop, { drivers: [driver] }));
  }

  async unix(name: string): Promise<string> {
    const path = join(this.directory, name);
    await this.#listen(
      createServer((socket) => this.#accept(socket)),
      path,
    );
    return path;
  }

  async tcp(): Promise<number> {
    return portOf(await this.#listen(createServer((socket) => this.#accept(socket))));
  }

  /** `verdict` is the byte with which libvirt says whether a certificate may come in. */
  async tls(verdict: number): Promise<number> {
    const file = (name: string): Buffer => readFileSync(join(this.directory, name));
    const certificates = { ca: file("cacert.pem"), cert: file("servercert.pem"), key: file("serverkey.pem") };
    const server = createSecureServer({ ...certificates, requestCert: true, rejectUnauthorized: true }, (socket) => {
      socket.write(Uint8Array.of(verdict));
      if (verdict === 1) this.#accept(socket);
      else socket.end();
    });
    server.on("tlsClientError", () => {});
    return portOf(await this.#listen(server));
  }

  /** A program that does what `nc -U PATH` does. */
  netcat(): string {
    const path = join(this.directory, "netcat");
    const bridge = "const s=require('net').connect(process.argv.at(-1));process.stdin.pipe(s).pipe(process.stdout)";
    writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" -e "${bridge}" -- "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /** An ssh that stays here: it notes what it was told, and does what is to be done at the other end. */
  ssh(): string {
    const path = join(this.directory, "ssh");
    writeFileSync(path, `#!/bin/sh\necho "$@" >>"${path}.log"\nfor last; do :; done\nexec sh -c "$last"\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /** A CA, and a certificate each for the server and for clients. */
  makeCertificates(): void {
    const run = (...args: string[]): void => {
      execFileSync("openssl", args, { cwd: this.directory, stdio: "ignore" });
    };
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    run("req", "-x509", ...key, "-keyout", "cakey.pem", "-out", "cacert.pem", "-subj", "/CN=test CA", "-days", "2");
    for (const name of ["server", "client"]) {
      run(
        "req",
        ...key,
        "-keyout",
        `${name}key.pem`,
        "-out",
        `${name}.csr`,
        "-subj",
        `/CN=${name}`,
        "-addext",
        "subjectAltName=DNS:localhost",
      );
      const ca = [
        "-CA",
        "cacert.pem",
        "-CAkey",
        "cakey.pem",
        "-CAcreateserial",
        "-copy_extensions",
        "copy",
        "-days",
        "2",
      ];
      run("x509", "-req", "-in", `${name}.csr`, "-out", `${name}cert.pem`, ...ca);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await this.#parts.disposeAsync();
  }

  #accept(socket: Socket): void {
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    this.#daemon.accept(new DuplexTransport(this.#loop, socket));
  }

  async #listen(server: Server, path?: string): Promise<Server> {
    if (path === undefined) server.listen(0, "localhost");
    else server.listen(path);
    await once(server, "listening");
    this.#parts.defer(() => void server.close());
    return server;
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
