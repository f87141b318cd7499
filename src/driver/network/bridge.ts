import type { NetworkMachine } from "./network-machine.ts";
import type { NetworkPlan } from "./network-plan.ts";

/** Makes a network's bridge, with its addresses and routes. What is there of that name stays, and the making fails. */
export async function addBridge(machine: NetworkMachine, plan: NetworkPlan): Promise<void> {
  const { bridge, mac, stp, delaySeconds, mtu } = plan;
  const ip = (...args: readonly string[]): Promise<string> => machine.programs.run("ip", args);
  // With the spanning tree protocol the kernel takes no less than two seconds.
  const delay = String(Math.max(delaySeconds * 100, stp ? 200 : 0));
  const size = mtu === undefined ? [] : ["mtu", String(mtu)];
  const kind = ["type", "bridge", "forward_delay", delay, "stp_state", stp ? "1" : "0"];
  await ip("link", "add", "name", bridge, "address", mac, ...size, ...kind);
}

/** Addresses, routes and the kernel's switches of a bridge that is there. */
export async function configureBridge(machine: NetworkMachine, plan: NetworkPlan): Promise<void> {
  const { bridge, subnets, routes } = plan;
  const ip = (...args: readonly string[]): Promise<string> => machine.programs.run("ip", args);
  await setSwitches(machine, plan);
  for (const { family, address, prefix, broadcast } of subnets) {
    const shown = broadcast === undefined ? [] : ["broadcast", broadcast];
    await ip(`-${family}`, "address", "add", `${address}/${prefix}`, ...shown, "dev", bridge);
  }
  await ip("link", "set", "dev", bridge, "up");
  for (const { to, family, via, metric } of routes) {
    const weight = metric === undefined ? [] : ["metric", metric];
    await ip(`-${family}`, "route", "add", to, "via", via, "dev", bridge, "proto", "static", ...weight);
  }
}

export async function removeBridge(machine: NetworkMachine, bridge: string): Promise<void> {
  await machine.programs.run("ip", ["link", "delete", "dev", bridge]);
}

async function setSwitches(machine: NetworkMachine, { bridge, mode, subnets }: NetworkPlan): Promise<void> {
  const hasV6 = subnets.some(({ family }) => family === 6);
  const own = `ipv6/conf/${bridge}`;
  // A kernel without IPv6 has no such switches, and nothing that they would have to turn off.
  const set = (path: string, value: string): Promise<void> =>
    machine.setKernelValue(path, value).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT" || hasV6) throw error;
    });
  await set(`${own}/disable_ipv6`, hasV6 ? "0" : "1");
  await set(`${own}/accept_ra`, "0");
  await set(`${own}/autoconf`, hasV6 ? "0" : "1");
  if (mode === "none" || mode === "open") return;
  if (subnets.some(({ family }) => family === 4)) await machine.setKernelValue("ipv4/ip_forward", "1");
  if (hasV6) await machine.setKernelValue("ipv6/conf/all/forwarding", "1");
}
