import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { type Script, wordsOf } from "../virsh/script-file.ts";
import { type Outcome, type Side, virsh } from "../virsh/side.ts";

export const virtAdmin = "/usr/bin/virt-admin";

export interface AdminSide extends Side {
  readonly adminSocket: string;
}

/** Instead of a command line: from here on a client is connected. */
const guest = "!client";

/** Runs each line as a virt-admin of its own. Both daemons let in their own user alone: the teacher is nobody. */
export async function runAdminScript(side: AdminSide, script: Script, directory: string): Promise<Outcome[]> {
  await side.start();
  let client: ChildProcess | undefined;
  try {
    const outcomes: Outcome[] = [];
    for (const line of script.lines) {
      if (line === guest) client = await connectClient(side);
      const outcome = line === guest ? nothing : await run(side, directory, line);
      outcomes.push(outcome);
    }
    return outcomes;
  } finally {
    client?.kill("SIGKILL");
    await side.stop();
  }
}

const nothing: Outcome = { stdout: "", stderr: "", code: 0, events: [] };

/** Resolves when it has had an answer. */
async function connectClient({ socket }: AdminSide): Promise<ChildProcess> {
  const client = spawn(virsh, ["-c", `test+unix:///default?socket=${socket}`], { stdio: ["pipe", "pipe", "ignore"] });
  client.stdin.write("hostname\n");
  for await (const text of client.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false }))
    if (/^[\w.-]+\s*$/m.test(String(text))) break;
  client.stdout.resume();
  return client;
}

async function run(side: AdminSide, directory: string, line: string): Promise<Outcome> {
  const args = ["-c", `libvirtd:///system?socket=${side.adminSocket}`, ...wordsOf(line)];
  const env = { LC_ALL: "C", PATH: "/usr/bin:/bin", HOME: directory, TZ: "UTC" };
  const user = isTeacher(side) && process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  let result: Omit<Outcome, "events"> = nothing;
  const child = execFile(
    virtAdmin,
    args,
    { cwd: directory, timeout: 20_000, env, ...user },
    (error, stdout, stderr) => {
      result = { stdout, stderr, code: error === null ? 0 : typeof error.code === "number" ? error.code : -1 };
    },
  );
  child.stdin?.end();
  await once(child, "close");
  const clean = (text: string): string =>
    replacements.reduce((rest, [pattern, by]) => rest.replace(pattern, by), text.replaceAll(side.adminSocket, "PLACE"));
  return { ...result, stdout: clean(result.stdout), stderr: clean(result.stderr), events: [] };
}

function isTeacher(side: AdminSide): boolean {
  return side.adminSocket.includes("/libvirt/");
}

/** Who is there, and since when, has to differ. */
const replacements: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+0000/g, "DATE"],
  [/^(unix_process_id: )\d+$/gm, "$1PID"],
  // How many the teacher has for itself changes from moment to moment.
  [/^(freeWorkers +: )[34]$/gm, "$1FEW"],
  // Whoever looks whether the teacher is there has been a client too.
  [/^ \d+( +unix)/gm, " ID$1"],
  // The teacher has its two servers in any order.
  [/^ 0    (?:admin|libvirtd)\n 1    (?:admin|libvirtd)$/m, "BOTH SERVERS"],
];
