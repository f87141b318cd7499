import type { Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { JsonObject } from "../../../qmp/index.ts";
import type { CallContext, DriverProcedures } from "../../driver.ts";
import { type AgentLink, theAgent } from "../agent-link.ts";
import { notRunning } from "../errors.ts";
import type { Operations } from "../operations.ts";
import { check, has } from "./asked.ts";

/** Writes its caches first, or gives up: file systems may take long. */
const freezeMs = 60_000;
const crypted = 1;
const fromHardwareClock = 1;
/** The agent as the source of an answer; the default is DHCP leases, which the driver does not know. */
const hostnameFrom = { lease: 1, agent: 2 };

/** What the guest's agent does for us. It holds no job: an agent that does not answer keeps nobody else waiting. */
export function agentProcedures({ guests }: Operations): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  const agentOf = (dom: WireDomain): AgentLink => {
    const run = guests.runOf(find(dom));
    if (run === undefined) throw notRunning();
    return theAgent(run.agent);
  };
  const left = ({ deadline }: CallContext): { timeoutMs?: number } =>
    deadline === undefined ? {} : { timeoutMs: Math.max(0, deadline - guests.loop.now()) };
  return {
    domainGetHostname: async ({ dom, flags }, context) => {
      check(flags, hostnameFrom.lease | hostnameFrom.agent, "qemuDomainGetHostname");
      const { "host-name": hostname } = (await agentOf(dom).execute("guest-get-host-name", {}, left(context))) as {
        "host-name": string;
      };
      return { hostname: String(hostname) };
    },
    domainFstrim: async ({ dom, mountPoint, minimum, flags }, context) => {
      check(flags, 0, "qemuDomainFSTrim");
      if (mountPoint !== null) throw unsupported("Specifying mount point is not supported for now");
      await agentOf(dom).execute("guest-fstrim", { minimum: Number(minimum) }, left(context));
    },
    domainFsfreeze: async ({ dom, mountpoints, flags }) => {
      check(flags, 0, "qemuDomainFSFreeze");
      const agent = agentOf(dom);
      const frozen = await (mountpoints.length === 0
        ? agent.execute("guest-fsfreeze-freeze", {}, { timeoutMs: freezeMs })
        : agent.execute("guest-fsfreeze-freeze-list", { mountpoints }, { timeoutMs: freezeMs }));
      return { filesystems: Number(frozen) };
    },
    domainFsthaw: async ({ dom, flags }) => {
      check(flags, 0, "qemuDomainFSThaw");
      const thawed = await agentOf(dom).execute("guest-fsfreeze-thaw", {}, { timeoutMs: freezeMs });
      return { filesystems: Number(thawed) };
    },
    domainGetTime: async ({ dom, flags }, context) => {
      check(flags, 0, "qemuDomainGetTime");
      const answer = await agentOf(dom).execute("guest-get-time", {}, left(context));
      return { seconds: BigInt(Math.floor(Number(answer) / 1e9)), nseconds: Math.floor(Number(answer) % 1e9) };
    },
    domainSetTime: async ({ dom, seconds, nseconds, flags }, context) => {
      check(flags, fromHardwareClock, "qemuDomainSetTime");
      const time = Number(seconds) * 1e9 + nseconds;
      await agentOf(dom).execute("guest-set-time", has(flags, fromHardwareClock) ? {} : { time }, left(context));
    },
    domainSetUserPassword: async ({ dom, user, password, flags }, context) => {
      check(flags, crypted, "qemuDomainSetUserPassword");
      const words = {
        username: user ?? "",
        password: Buffer.from(password ?? "").toString("base64"),
        crypted: has(flags, crypted),
      };
      await agentOf(dom).execute("guest-set-user-password", words, left(context));
    },
    domainAgentSetResponseTimeout: ({ dom, timeout, flags }) => {
      check(flags, 0, "qemuDomainAgentSetResponseTimeout");
      if (timeout < -2)
        throw VirError.of(
          ErrorCode.invalidArg,
          ErrorDomain.qemu,
          `guest agent timeout '${timeout}' is less than the minimum '-2'`,
        );
      agentOf(dom).patienceMs = patienceOfSeconds(timeout);
      return { result: 0 };
    },
    domainAgentCommand: async ({ dom, cmd, timeout, flags }) => {
      check(flags, 0, "qemuDomainQemuAgentCommand");
      const agent = agentOf(dom);
      const { execute, arguments: args = {} } = parse(cmd);
      const timeoutMs = timeout === 0 ? 1 : patienceOfSeconds(timeout);
      const answer = await agent.execute(execute, args, { timeoutMs, mayVanish: timeout === 0 });
      return { result: JSON.stringify({ return: answer ?? {} }) };
    },
  };
}

/** As libvirt's API counts: -2 for ever, -1 as usual. */
function patienceOfSeconds(seconds: number): number {
  if (seconds === -2) return Number.POSITIVE_INFINITY;
  return seconds === -1 ? 5_000 : seconds * 1_000;
}

function parse(text: string): { readonly execute: string; readonly arguments?: JsonObject } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const detail = `cannot parse json ${text}: ${(error as Error).message}`;
    throw VirError.of(ErrorCode.internalError, ErrorDomain.none, detail, error);
  }
  const { execute, arguments: args } = Object(json) as { execute?: unknown; arguments?: JsonObject };
  if (typeof execute === "string") return args === undefined ? { execute } : { execute, arguments: args };
  throw VirError.of(ErrorCode.internalError, ErrorDomain.qemu, "the command has no member 'execute'");
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.qemu, detail);
}
