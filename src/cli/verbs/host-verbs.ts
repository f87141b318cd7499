import type { Verbs } from "./verb.ts";

/** 9.0.0 of 9,000,000. */
function versionText(version: bigint): string {
  return `${version / 1_000_000n}.${(version / 1_000n) % 1_000n}.${version % 1_000n}`;
}

/** What people script about the host. */
export const hostVerbs: Verbs = {
  nodeinfo: {
    help: "says what the host is like",
    failure: () => "failed to get node information",
    show: async (connection) => {
      const info = await connection.nodeGetInfo();
      return {
        fields: [
          ["CPU model", info.model],
          ["CPU(s)", String(info.cpus)],
          ["CPU frequency", `${info.mhz} MHz`],
          ["CPU socket(s)", String(info.sockets)],
          ["Core(s) per socket", String(info.cores)],
          ["Thread(s) per core", String(info.threads)],
          ["NUMA cell(s)", String(info.nodes)],
          ["Memory size", `${info.memory} KiB`],
        ],
        width: 21,
        object: info,
      };
    },
  },
  capabilities: {
    help: "shows what the host and the hypervisor can do",
    failure: () => "failed to get capabilities",
    run: async (connection) => `${await connection.getCapabilities()}\n`,
  },
  hostname: {
    help: "says the host's name",
    failure: () => "failed to get hostname",
    run: async (connection) => `${await connection.getHostname()}\n`,
  },
  uri: {
    help: "says the hypervisor's URI",
    run: async (connection) => `${connection.uri ?? (await connection.getUri())}\n`,
  },
  maxvcpus: {
    help: "says how many processors a domain may have",
    parameters: ["type?"],
    run: async (connection, given) => `${await connection.getMaxVcpus(given.text("type"))}\n`,
  },
  version: {
    help: "says which versions there are",
    flags: ["daemon"],
    run: async (connection, given) => {
      const [library, type, hypervisor] = await Promise.all([
        connection.getLibVersion(),
        connection.getType(),
        connection.getVersion(),
      ]);
      const libvirt = versionText(library);
      return [
        `Compiled against library: libvirt ${libvirt}`,
        `Using library: libvirt ${libvirt}`,
        `Using API: ${type} ${libvirt}`,
        `Running hypervisor: ${type} ${versionText(hypervisor)}`,
        ...(given.has("daemon") ? [`Running against daemon: ${libvirt}`] : []),
        "",
      ].join("\n");
    },
  },
};
