import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkArguments, ruledCalls } from "../../src/daemon/argument-rules.ts";
import { ErrorCode, type Procedure, publicFunction, qemu, remote, type VirError } from "../../src/protocol/index.ts";

const dom = { name: "x", uuid: "00000000-0000-4000-8000-000000000000", id: 1 };

function refusal(name: string, args: object): Partial<VirError> | undefined {
  const row = ({ ...remote.procedures, ...qemu.procedures } as Readonly<Record<string, Procedure>>)[name];
  assert.ok(row?.kind === "call", name);
  try {
    checkArguments(name, args, publicFunction(name, row));
    return undefined;
  } catch (error) {
    return error as VirError;
  }
}

describe("what libvirt's functions refuse before a driver is asked", () => {
  const cases: [string, object, number, string][] = [
    ["domainSetMemory", { dom, memory: 0n }, 20, "memory in virDomainSetMemory must not be zero"],
    ["domainSetBlkioParameters", { dom, params: [] }, 20, "params in virDomainSetBlkioParameters must not be NULL"],
    ["domainPinVcpu", { dom, cpumap: new Uint8Array() }, 20, "cpumap in virDomainPinVcpu must not be NULL"],
    ["domainRename", { dom, newName: "" }, 20, "string new_name in virDomainRename must not be empty"],
    ["domainRename", { dom, newName: null }, 20, "new_name in virDomainRename must not be NULL"],
    ["secretSetValue", { value: new Uint8Array() }, 30, "value in virSecretSetValue must not be NULL"],
    ["domainAttach", { pidValue: 0 }, 0, "pid_value in virDomainQemuAttach must not be zero"],
    [
      "domainGetVcpusFlags",
      { dom, flags: 3 },
      20,
      "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive",
    ],
    [
      "domainSnapshotCreateXml",
      { dom, flags: 2 },
      35,
      "Flag 'VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE' is required by flag 'VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT'",
    ],
    ["domainGetCpuStats", { dom, startCpu: -1, ncpus: 2 }, 20, "ncpus must be 1 when start_cpu is -1"],
    [
      "domainSetMetadata",
      { dom, type: 1, metadata: "a\nb", key: null, uri: null },
      20,
      "metadata title can't contain newlines",
    ],
    [
      "domainSetMetadata",
      { dom, type: 2, metadata: "<a/>", key: null, uri: "u" },
      20,
      "key in virDomainSetMetadata must not be NULL",
    ],
    ["domainGetMetadata", { dom, type: 0, uri: "u", flags: 0 }, 20, "uri in virDomainGetMetadata must be NULL"],
  ];
  for (const [name, args, domain, message] of cases) {
    it(`${name}: ${message}`, () => {
      const { code, domain: from, message: said } = refusal(name, args) ?? {};
      assert.deepEqual([code, from, said], [ErrorCode.invalidArg, domain, message]);
    });
  }

  it("names the function and the argument", () => {
    const { str1, str2, int1, int2 } = refusal("domainSetVcpus", { dom, nvcpus: 0 }) ?? {};
    assert.deepEqual([str1, str2, int1, int2], ["virDomainSetVcpus", "nvcpus", 0, 0]);
  });

  it("has limits of the daemon's own among it", () => {
    assert.deepEqual(refusal("connectListDomains", { maxids: -1 })?.code, ErrorCode.rpc);
    assert.deepEqual(refusal("domainMemoryPeek", { dom, size: 4_194_305, flags: 1 })?.code, ErrorCode.internalError);
  });

  it("bounds maps of CPUs from both sides", () => {
    for (const [name, args] of [
      ["domainGetVcpus", { dom, maxinfo: 1, maplen: -1 }],
      ["domainGetVcpuPinInfo", { dom, ncpumaps: 2, maplen: -2_147_483_648, flags: 0 }],
      ["domainGetEmulatorPinInfo", { dom, maplen: -1, flags: 0 }],
      ["domainGetEmulatorPinInfo", { dom, maplen: 2_147_483_647, flags: 0 }],
    ] as const)
      assert.equal(refusal(name, args)?.code, ErrorCode.internalError, name);
  });

  it("says nothing of what is in order", () => {
    assert.equal(refusal("domainSetVcpus", { dom, nvcpus: 1 }), undefined);
    assert.equal(refusal("domainGetVcpusFlags", { dom, flags: 1 }), undefined);
    assert.equal(refusal("domainSnapshotCreateXml", { dom, flags: 3 }), undefined);
    assert.equal(refusal("domainGetXmlDesc", { dom, flags: 3 }), undefined);
    assert.equal(
      refusal("domainSetMetadata", { dom, type: 2, metadata: null, key: null, uri: "u", flags: 0 }),
      undefined,
    );
  });

  it("has no rule for a call that there is not", () => {
    const calls = new Set(
      [remote, qemu].flatMap(({ procedures }) =>
        Object.entries<Procedure>(procedures).flatMap(([name, { kind }]) => (kind === "call" ? [name] : [])),
      ),
    );
    assert.deepEqual(
      ruledCalls.filter((name) => !calls.has(name)),
      [],
    );
    assert.ok(ruledCalls.length > 50, String(ruledCalls.length));
  });
});
