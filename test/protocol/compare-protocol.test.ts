import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { lxc, qemu, remote } from "../../src/protocol/index.ts";
import { differences } from "../../tools/compare-protocol/differences.ts";
import { parseXFiles } from "../../tools/compare-protocol/x-file.ts";

/** What the files below share; the type names are those that libvirt's files have. */
const shared = `
%#include "something.h"
const LONGEST = 4194304;
const REMOTE_SECURITY_LABEL_MAX = VIR_SECURITY_LABEL_BUFLEN;
typedef string remote_nonnull_string<LONGEST>;
typedef remote_nonnull_string *remote_string;
typedef opaque remote_uuid[VIR_UUID_BUFLEN];
struct remote_nonnull_domain {
    remote_nonnull_string name; /* of a guest */
    remote_uuid uuid;
    int id;
};
`;

const containers = `${shared}
struct lxc_domain_open_namespace_args {
    remote_nonnull_domain dom;
    unsigned int flags;
};
const LXC_PROGRAM = 0x00068000;
enum lxc_procedure {
    /**
     * @acl: domain:open_namespace
     */
    LXC_PROC_DOMAIN_OPEN_NAMESPACE = 1
};
`;

/** Some procedures of the main program, each with something that the others do not have. */
const main = `${shared}
const REMOTE_PROGRAM = 0x20008086;
enum kind { KIND_NONE = 0, KIND_SASL };
union remote_typed_param_value switch (int type) {
 case VIR_TYPED_PARAM_INT: int i;
 case VIR_TYPED_PARAM_UINT: unsigned int ui;
 case VIR_TYPED_PARAM_LLONG: hyper l;
 case VIR_TYPED_PARAM_ULLONG: unsigned hyper ul;
 case VIR_TYPED_PARAM_DOUBLE: double d;
 case VIR_TYPED_PARAM_BOOLEAN: int b;
 case VIR_TYPED_PARAM_STRING: remote_nonnull_string s;
};
struct remote_typed_param { remote_nonnull_string field; remote_typed_param_value value; };
struct remote_node_get_info_ret {
    char model[32]; unsigned hyper memory; int cpus; int mhz; int nodes; int sockets; int cores; int threads;
};
struct remote_auth_list_ret { kind types<20>; };
struct remote_domain_get_security_label_args { remote_nonnull_domain dom; };
struct remote_domain_get_security_label_ret { char label<REMOTE_SECURITY_LABEL_MAX>; int enforcing; };
struct remote_domain_get_perf_events_args { remote_nonnull_domain dom; unsigned int flags; };
struct remote_domain_get_perf_events_ret { remote_typed_param params<64>; };
struct remote_domain_open_console_args { remote_nonnull_domain dom; remote_string dev_name; unsigned int flags; };
struct remote_domain_event_lifecycle_msg { remote_nonnull_domain dom; int event; int detail; };
enum remote_procedure {
    /** @priority: high @acl: connect:read */
    REMOTE_PROC_NODE_GET_INFO = 6,
    REMOTE_PROC_AUTH_LIST = 66,
    REMOTE_PROC_DOMAIN_EVENT_LIFECYCLE = 107,
    REMOTE_PROC_DOMAIN_GET_SECURITY_LABEL = 121,
    /** @readstream: 2 @acl: domain:open_device */
    REMOTE_PROC_DOMAIN_OPEN_CONSOLE = 201,
    REMOTE_PROC_DOMAIN_GET_PERF_EVENTS = 365
};
`;

/** What is different in the rows that both have. */
function found(text: string): readonly string[] {
  return (differences(remote, parseXFiles([text])) ?? assert.fail()).filter((line) => !line.endsWith(": not there"));
}

describe("the comparison with upstream's description of the wire", () => {
  it("finds nothing where nothing is different", () => {
    assert.deepEqual(differences(lxc, parseXFiles([containers])), []);
    assert.deepEqual(found(main), []);
  });

  it("has nothing to say about a program that is not in the files", () => {
    assert.equal(differences(qemu, parseXFiles([containers, main])), undefined);
  });

  const changes: [what: string, from: string, to: string, line: string][] = [
    ["a number", "NODE_GET_INFO = 6", "NODE_GET_INFO = 999", "999 nodeGetInfo: not here"],
    ["a name", "AUTH_LIST = 66", "AUTH_LISTING = 66", "66 authList: name: authList here, authListing there"],
    ["the length of an array", "char model[32]", "char model[33]", "6 nodeGetInfo: ret: model char[32]"],
    ["a limit", "params<64>", "params<65>", "365 domainGetPerfEvents: ret: params (field str<4194304>"],
    ["the type of a field", "hyper l;", "int l;", "365 domainGetPerfEvents: ret: params"],
    ["the name of a field", "remote_string dev_name", "remote_string device", "201 domainOpenConsole: args: dom"],
    ["a pointer", "*remote_string", "remote_string", "201 domainOpenConsole: args: dom"],
    ["an event", "int event; int detail;", "int event;", "107 domainEventLifecycle: message: dom"],
    ["a priority", "@priority: high", "@priority: low", "6 nodeGetInfo: priority: high here, low there"],
    ["a right", "connect:read", "connect:write", "6 nodeGetInfo: acl: connect:read here, connect:write there"],
    ["a stream", "@readstream", "@writestream", "201 domainOpenConsole: stream: read here, write there"],
    ["the program", "0x20008086", "1", "the number of the program: 536903814 here, 1 there"],
  ];
  for (const [what, from, to, line] of changes) {
    it(`finds ${what} that is different`, () => {
      assert.ok(main.includes(from));
      const lines = found(main.replace(from, to));
      assert.ok(
        lines.some((each) => each.startsWith(line)),
        lines.join("\n"),
      );
    });
  }

  it("finds what only one side has", () => {
    assert.deepEqual(differences(lxc, parseXFiles(["const LXC_PROGRAM = 0x68000;"])), [
      "1 domainOpenNamespace: not there",
    ]);
  });

  it("says where a file cannot be read", () => {
    assert.throws(() => parseXFiles(["const A = 1;\nstruct b { int; };"]), {
      name: "SyntaxError",
      message: /^line 2: /,
    });
    assert.throws(() => parseXFiles(["const A = B;"]), SyntaxError);
    assert.throws(() => parseXFiles(["struct a {"]), SyntaxError);
  });

  it("is a command whose exit code says it", () => {
    const folder = mkdtempSync(join(tmpdir(), "compare-protocol-"));
    const tool = join(import.meta.dirname, "../../tools/compare-protocol.ts");
    const run = (...args: string[]) => spawnSync(process.execPath, [tool, ...args], { encoding: "utf8" });
    try {
      const same = join(folder, "same.x");
      const other = join(folder, "other.x");
      writeFileSync(same, containers);
      writeFileSync(other, containers.replace("= 1", "= 2"));
      const equal = run(same);
      assert.deepEqual([equal.status, equal.stdout], [0, "LXC: the same\n"]);
      const different = run(other);
      const lines = [
        "LXC: 2 differences",
        "  2 domainOpenNamespace: not here",
        "  1 domainOpenNamespace: not there",
        "",
      ];
      assert.deepEqual([different.status, different.stdout], [1, lines.join("\n")]);
      assert.deepEqual([run().status, run(join(folder, "missing.x")).status], [2, 2]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
