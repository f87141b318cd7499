import { closeSync } from "node:fs";
import type { Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import { CommandError, type JsonObject } from "../../../qmp/index.ts";
import type { CallContext, DriverProcedures } from "../../driver.ts";
import type { Guests } from "../guests.ts";
import { taint } from "../taints.ts";
import { codeSetName, qemuKey } from "../tuning/key-codes.ts";
import { check, has, patienceOf } from "./asked.ts";

const forPeople = 1;

/** What goes straight to QEMU: commands of the user's own, keys, interrupts. */
export function passthroughProcedures(guests: Guests): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  let count = 0;
  const command = (
    { dom, cmd, flags }: { readonly dom: WireDomain; readonly cmd: string; readonly flags: number },
    context: CallContext,
    fds: readonly number[] = [],
  ): Promise<{ result: string }> => {
    check(flags, forPeople, "qemuDomainMonitorCommandWithFiles");
    if (fds.length > 1) throw tooManyFiles();
    return guests.onRun(find(dom), "monitor command", patienceOf(context), async (run, timeoutMs) => {
      taint(run, "custom monitor control commands issued");
      if (has(flags, forPeople)) {
        const result = await run.execute("human-monitor-command", { "command-line": cmd }, timeoutMs, { fds });
        return { result: String(result) };
      }
      const id = `libvirt-${++count}`;
      const parsed = parseCommand(cmd);
      if (typeof parsed === "string") return { result: JSON.stringify({ id, error: refusal(parsed) }) };
      try {
        const value = await run.execute(parsed.command, parsed.args, timeoutMs, { fds });
        return { result: JSON.stringify({ return: value, id }) };
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        return { result: JSON.stringify({ id, error: { class: error.errorClass, desc: error.message } }) };
      }
    });
  };
  return {
    domainMonitorCommand: (args, context) => command(args, context),
    domainMonitorCommandWithFiles: async (args, context) => {
      const fds = context.takeFds();
      try {
        return await command(args, context, fds);
      } finally {
        // QEMU has its own by now, or none.
        for (const fd of fds) closeSync(fd);
      }
    },
    domainSendKey: ({ dom, codeset, holdtime, keycodes, flags }, context) => {
      check(flags, 0, "qemuDomainSendKey");
      const keys = keycodes.map((code) => {
        const data = qemuKey(codeset, code);
        if (data === undefined) throw untranslatable(code, codeset);
        return { type: "number", data };
      });
      const args = holdtime === 0 ? { keys } : { keys, "hold-time": holdtime };
      return guests.onRun(find(dom), "keys", patienceOf(context), async (run, timeoutMs) => {
        await run.execute("send-key", args, timeoutMs);
      });
    },
    domainInjectNmi: ({ dom, flags }, context) => {
      check(flags, 0, "qemuDomainInjectNMI");
      return guests.onRun(find(dom), "interrupt", patienceOf(context), async (run, timeoutMs) => {
        await run.execute("inject-nmi", {}, timeoutMs);
      });
    },
  };
}

/** A command as QMP has it; a text says what QEMU would have said against it. */
function parseCommand(text: string): { command: string; args: JsonObject } | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw VirError.of(ErrorCode.internalError, ErrorDomain.none, `cannot parse json ${text}: ${String(error)}`, error);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) return "QMP input must be a JSON object";
  const { execute, arguments: args = {}, ...rest } = json as JsonObject;
  delete (rest as Record<string, unknown>)["id"];
  const [unexpected] = Object.keys(rest);
  if (unexpected !== undefined) return `QMP input member '${unexpected}' is unexpected`;
  if (typeof execute !== "string") return "QMP input lacks member 'execute'";
  if (typeof args !== "object" || args === null) return "QMP input member 'arguments' must be an object";
  return { command: execute, args: args as JsonObject };
}

function tooManyFiles(): VirError {
  const detail = "at most 1 fd can be passed to qemu along with a command";
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
}

function refusal(desc: string): JsonObject {
  return { class: "GenericError", desc };
}

function untranslatable(code: number, set: number): VirError {
  const name = codeSetName(set);
  const detail =
    name === undefined
      ? `unknown set of key codes ${set}`
      : `cannot translate keycode ${code} of ${name} codeset to qnum keycode`;
  return VirError.of(ErrorCode.internalError, ErrorDomain.qemu, detail);
}
