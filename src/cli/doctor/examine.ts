/** What is asked about this machine. */
export interface Machine {
  /** "linux", "darwin", ... */
  readonly platform: string;
  /** "x64", "arm64", ... */
  readonly arch: string;
  /** Of Node: "24.1.0". */
  readonly nodeVersion: string;
  readonly isRoot: boolean;
  readonly hasProgram: (name: string) => boolean;
  readonly exists: (path: string) => boolean;
  /** Whether this user may read and write it. */
  readonly mayUse: (path: string) => boolean;
  /** Loads what the daemon needs of native code; resolves with what is in the way. */
  readonly loadNative: () => Promise<string | undefined>;
  /** Asks a daemon who it is; rejects when nobody answers. */
  readonly ask: (uri: string) => Promise<string>;
}

/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  /** `missing`: something does not work without it. `note`: something is left out. */
  readonly state: "ok" | "missing" | "note";
  readonly detail: string;
  /** What mends it, to be typed as it stands. */
  readonly command?: string;
}

interface Wanted {
  readonly program: string;
  readonly for: string;
  readonly state: "missing" | "note";
  /** The package that has it, by package manager. */
  readonly packages: Readonly<Record<string, string>>;
}

/** All that is looked at, in the order in which it should be mended. */
export async function examine(machine: Machine): Promise<Finding[]> {
  const findings = [nodeFinding(machine), await nativeFinding(machine)];
  // Elsewhere there is only the client.
  if (machine.platform === "linux") {
    findings.push(...wantedOf(machine).map((wanted) => programFinding(wanted, machine)), kvmFinding(machine));
  }
  for (const uri of ["qemu:///system", "qemu:///session"]) findings.push(await daemonFinding(uri, machine));
  return findings;
}

function nodeFinding({ nodeVersion }: Machine): Finding {
  const isOk = Number(nodeVersion.split(".")[0]) >= 24;
  if (isOk) return { name: "node", state: "ok", detail: nodeVersion };
  return {
    name: "node",
    state: "missing",
    detail: `${nodeVersion}, 24 or later is needed`,
    command: "npx node@24 --version",
  };
}

async function nativeFinding({ loadNative, platform }: Machine): Promise<Finding> {
  const obstacle = platform === "linux" ? await loadNative() : "the daemon runs on Linux only";
  if (obstacle === undefined)
    return { name: "native code", state: "ok", detail: "the daemon and embedded drivers can run" };
  const command = platform === "linux" ? { command: "npm install koffi" } : {};
  return { name: "native code", state: "note", detail: `only remote connections work: ${obstacle}`, ...command };
}

function wantedOf({ arch }: Machine): Wanted[] {
  const [emulator, debian] = arch === "arm64" ? ["qemu-system-aarch64", "arm"] : ["qemu-system-x86_64", "x86"];
  const same = (name: string): Readonly<Record<string, string>> => ({
    "apt-get": name,
    dnf: name,
    zypper: name,
    pacman: name,
    apk: name,
  });
  return [
    {
      program: emulator,
      for: "QEMU's guests",
      state: "missing",
      packages: {
        ...same(emulator),
        "apt-get": `qemu-system-${debian}`,
        dnf: "qemu-kvm",
        pacman: "qemu-base",
        zypper: `qemu-${debian}`,
      },
    },
    {
      program: "qemu-img",
      for: "volumes and disk images",
      state: "missing",
      packages: { ...same("qemu-img"), "apt-get": "qemu-utils", zypper: "qemu-tools" },
    },
    {
      program: "dnsmasq",
      for: "virtual networks",
      state: "note",
      packages: { ...same("dnsmasq"), "apt-get": "dnsmasq-base" },
    },
    { program: "nft", for: "virtual networks", state: "note", packages: same("nftables") },
    { program: "ip", for: "virtual networks", state: "note", packages: { ...same("iproute2"), dnf: "iproute" } },
    { program: "swtpm", for: "guests with a TPM", state: "note", packages: same("swtpm") },
    {
      program: "ssh",
      for: "connections by ssh",
      state: "note",
      packages: { ...same("openssh"), "apt-get": "openssh-client", dnf: "openssh-clients" },
    },
  ];
}

const managers = ["apt-get", "dnf", "zypper", "pacman", "apk"] as const;

function programFinding({ program, for: use, state, packages }: Wanted, machine: Machine): Finding {
  if (machine.hasProgram(program)) return { name: program, state: "ok", detail: `for ${use}` };
  const manager = managers.find((name) => machine.hasProgram(name));
  const detail = `not found: needed for ${use}`;
  if (manager === undefined) return { name: program, state, detail };
  const verb = manager === "pacman" ? "-S" : manager === "apk" ? "add" : "install";
  const sudo = machine.isRoot ? "" : "sudo ";
  return { name: program, state, detail, command: `${sudo}${manager} ${verb} ${packages[manager] ?? program}` };
}

function kvmFinding({ exists, mayUse, isRoot }: Machine): Finding {
  const name = "/dev/kvm";
  if (!exists(name)) {
    const detail =
      "not there: guests run, but slowly; the processor's virtualization may be switched off in the firmware";
    return { name, state: "note", detail, command: `${isRoot ? "" : "sudo "}modprobe kvm` };
  }
  if (mayUse(name)) return { name, state: "ok", detail: "guests can run at full speed" };
  return {
    name,
    state: "note",
    detail: "this user may not use it: guests run slowly",
    command: 'sudo usermod -aG kvm "$USER"',
  };
}

async function daemonFinding(uri: string, { ask }: Machine): Promise<Finding> {
  try {
    return { name: uri, state: "ok", detail: await ask(uri) };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { name: uri, state: "note", detail, command: "virtwright daemon" };
  }
}

/** For a terminal. */
export function findingsText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  return findings
    .map(({ name, state, detail, command }) => {
      const line = `${state.padEnd(7)}  ${name.padEnd(width)}  ${detail}\n`;
      return command === undefined ? line : `${line}${" ".repeat(9)}${" ".repeat(width)}  -> ${command}\n`;
    })
    .join("");
}
