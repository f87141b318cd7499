import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "../usage-error.ts";

export interface Certified {
  /** In PEM. */
  readonly certificate: string;
  readonly key: string;
}

export interface Subject {
  /** The common name. */
  readonly name: string;
  readonly purpose: "authority" | "server" | "client";
  /** Names and addresses under which a server is reached. */
  readonly hosts?: readonly string[];
  /** From today on. */
  readonly days: number;
}

/**
 * Makes a key on P-256 and a certificate for it, signed by `signer`; by itself without one. Node can sign, but writes no
 * certificates: the system's openssl does. Throws UsageError without it.
 */
export function certify(subject: Subject, signer?: Certified): Certified {
  checkName(subject.name);
  const directory = mkdtempSync(join(tmpdir(), "virtwright-pki-"));
  const at = (name: string): string => join(directory, name);
  try {
    writeFileSync(at("request.conf"), requestOf(subject));
    run(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", at("key")]);
    const days = ["-days", String(subject.days)];
    if (signer === undefined) {
      const extensions = ["-extensions", "extensions"];
      run([
        "req",
        "-x509",
        "-new",
        "-key",
        at("key"),
        ...days,
        "-config",
        at("request.conf"),
        ...extensions,
        "-out",
        at("cert"),
      ]);
    } else {
      writeFileSync(at("ca"), signer.certificate);
      writeFileSync(at("ca-key"), signer.key, { mode: 0o600 });
      run(["req", "-new", "-key", at("key"), "-config", at("request.conf"), "-out", at("request")]);
      const by = ["-CA", at("ca"), "-CAkey", at("ca-key"), "-CAcreateserial"];
      const extensions = ["-extfile", at("request.conf"), "-extensions", "extensions"];
      run(["x509", "-req", "-in", at("request"), ...by, ...days, ...extensions, "-out", at("cert")]);
    }
    return { certificate: readFileSync(at("cert"), "utf8"), key: readFileSync(at("key"), "utf8") };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Keys are their owner's alone; the directories are made. Nothing that is there is written over. */
export function keep(path: string, content: string, mode: 0o600 | 0o644): void {
  if (existsSync(path)) throw new UsageError(`${path} is there already: remove it first, or choose another directory`);
  mkdirSync(join(path, ".."), { recursive: true, mode: 0o755 });
  writeFileSync(path, content, { mode, flag: "wx" });
}

function requestOf({ name, purpose, hosts = [] }: Subject): string {
  const lines = ["[req]", "distinguished_name=name", "prompt=no", "[name]", `CN=${name}`, "[extensions]"];
  lines.push("subjectKeyIdentifier=hash");
  if (purpose === "authority") lines.push("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign");
  else {
    lines.push("basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature,keyEncipherment");
    lines.push(`extendedKeyUsage=${purpose}Auth`, "authorityKeyIdentifier=keyid");
  }
  const names = hosts.map((host) => `${isIP(host) === 0 ? "DNS" : "IP"}:${host}`);
  if (names.length > 0) lines.push(`subjectAltName=${names.join(",")}`);
  for (const host of hosts) if (isIP(host) === 0) checkName(host);
  return `${lines.join("\n")}\n`;
}

/** What would mean something in openssl's file, or in a path, is no name. */
function checkName(name: string): void {
  if (/^[\p{L}\p{N}][\p{L}\p{N}@ ._:-]{0,63}$/u.test(name)) return;
  throw new UsageError(`"${name}" is no name for a certificate: letters, digits and "@ ._:-", 64 at most`);
}

function run(args: readonly string[]): void {
  const { status, stderr, error } = spawnSync("openssl", args, {
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
  });
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT")
    throw new UsageError("openssl, which makes certificates, is missing; to install it: sudo apt-get install openssl");
  if (status !== 0) throw new UsageError(`openssl ${args[0]}: ${error?.message ?? stderr.trim()}`);
}
