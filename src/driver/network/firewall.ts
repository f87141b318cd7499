import type { Programs } from "../programs.ts";
import type { NetworkPlan, PlannedSubnet } from "./network-plan.ts";

/**
 * The rules of a network, in a table of its own: nobody else's is looked at or changed, and the table goes as it came, in
 * one step.
 */
export class Firewall {
  readonly #programs: Programs;

  constructor(programs: Programs) {
    this.#programs = programs;
  }

  /** In the place of those that there are. */
  async raise(plan: NetworkPlan): Promise<void> {
    const rules = rulesOf(plan);
    if (rules === undefined) return;
    const table = tableOf(plan.bridge);
    // Made when it is not there, so that it can be removed in the same step.
    const script = `table inet ${table} {}\ndelete table inet ${table}\ntable inet ${table} {\n${rules}}\n`;
    await this.#programs.run("nft", ["-f", "-"], { input: script });
  }

  /** Nothing when there are none. */
  async remove(plan: NetworkPlan): Promise<void> {
    if (plan.mode === "open") return;
    const table = tableOf(plan.bridge);
    await this.#programs.run("nft", ["-f", "-"], { input: `table inet ${table} {}\ndelete table inet ${table}\n` });
  }
}

function tableOf(bridge: string): string {
  return `virtwright_${bridge}`;
}

/** As nftables reads them; undefined for a network that everything may pass. */
export function rulesOf({ mode, bridge, devices, subnets, nat }: NetworkPlan): string | undefined {
  if (mode === "open") return undefined;
  const here = JSON.stringify(bridge);
  const doors = devices.length === 0 ? [""] : devices.map((each) => JSON.stringify(each));
  const isNat = ({ family }: PlannedSubnet): boolean => mode === "nat" && (family === 4 || nat.ipv6);
  const passing = subnets.flatMap((subnet) => {
    if (mode === "none") return [];
    const state = isNat(subnet) ? "ct state { established, related } " : "";
    const ip = subnet.family === 4 ? "ip" : "ip6";
    return doors.flatMap((door) => [
      `${door && `iifname ${door} `}oifname ${here} ${ip} daddr ${subnet.cidr} ${state}accept`,
      `iifname ${here} ${door && `oifname ${door} `}${ip} saddr ${subnet.cidr} accept`,
    ]);
  });
  const forward = [
    `iifname ${here} oifname ${here} accept`,
    ...passing,
    `oifname ${here} reject`,
    `iifname ${here} reject`,
  ];
  const translated = subnets.filter(isNat).flatMap((subnet) => doors.flatMap((door) => natRules(subnet, door, nat)));
  const chains = [chain("forward", "type filter hook forward priority filter", forward)];
  if (translated.length > 0) chains.push(chain("postrouting", "type nat hook postrouting priority srcnat", translated));
  return chains.join("");
}

function natRules({ family, cidr }: PlannedSubnet, door: string, { address, port }: NetworkPlan["nat"]): string[] {
  const ip = family === 4 ? "ip" : "ip6";
  const from = `${door && `oifname ${door} `}${ip} saddr ${cidr} ${ip} daddr`;
  const local = family === 4 ? "{ 224.0.0.0/24, 255.255.255.255 }" : "ff02::/16";
  const addresses = address === undefined ? "" : ` to ${address.start}-${address.end}`;
  const ports = `:${port.start}-${port.end}`;
  const verdict = address === undefined ? "masquerade" : "snat";
  return [
    `${from} ${local} return`,
    `${from} != ${cidr} meta l4proto { tcp, udp } ${verdict}${addresses || " to "}${ports}`,
    `${from} != ${cidr} ${verdict}${addresses}`,
  ];
}

function chain(name: string, hook: string, rules: readonly string[]): string {
  const lines = [`${hook}; policy accept;`, ...rules].map((rule) => `    ${rule}\n`).join("");
  return `  chain ${name} {\n${lines}  }\n`;
}
