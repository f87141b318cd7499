import assert from "node:assert/strict";
import { test } from "node:test";
import { Definition } from "../../src/model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../src/protocol/index.ts";

const uuid = "04c6774c-a016-4ca7-8d75-9930f0bbbd69";

interface Parts {
  open?: string;
  name?: string;
  uuid?: string;
  memory?: string;
  more?: string;
  os?: string;
  devices?: string;
}

function xml(parts: Parts = {}): string {
  const {
    open = "<domain type='qemu'>",
    name = "<name>hello</name>",
    memory = "<memory unit='MiB'>128</memory>",
  } = parts;
  const { uuid = "", more = "", os = "<os><type>hvm</type></os>", devices = "" } = parts;
  return `${open}${name}${uuid}${memory}${more}${os}<devices>${devices}</devices></domain>`;
}

function errorOf(source: string): VirError {
  try {
    Definition.parse(source);
  } catch (error) {
    assert.ok(error instanceof VirError, String(error));
    return error;
  }
  throw new Error(`parsed: ${source}`);
}

test("what libvirt always shows is filled in, and everything else stays", () => {
  const definition = Definition.parse(
    `<domain type='qemu' id='7'><!-- mine --><name>hello</name><memory unit='MiB'>128</memory>
     <vendor:x xmlns:vendor='urn:v' a="1">kept &amp; safe</vendor:x><os><type arch='x86_64'>hvm</type></os></domain>`,
  );
  assert.match(definition.uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(
    definition.toXml(),
    `<domain type='qemu'>
  <!-- mine -->
  <name>hello</name>
  <uuid>${definition.uuid}</uuid>
  <memory unit='KiB'>131072</memory>
  <currentMemory unit='KiB'>131072</currentMemory>
  <vcpu placement='static'>1</vcpu>
  <vendor:x xmlns:vendor='urn:v' a='1'>kept &amp; safe</vendor:x>
  <os>
    <type arch='x86_64'>hvm</type>
  </os>
</domain>
`,
  );
});

test("what it shows reads back as the same definition", () => {
  const definition = Definition.parse(xml({ more: "<vcpu current='2'>4</vcpu><title> t </title>" }));
  assert.equal(Definition.parse(definition.toXml()).toXml(), definition.toXml());
});

test("a running domain shows its id, and its definition does not keep it", () => {
  const definition = Definition.parse(xml());
  assert.match(definition.toXml(3), /^<domain type='qemu' id='3'>\n/);
  assert.match(definition.toXml(), /^<domain type='qemu'>\n/);
});

test("a changed definition leaves the first one alone", () => {
  const first = Definition.parse(xml());
  const second = first.with((root) => root.find("os", "type")?.setAttribute("arch", "x86_64"));
  assert.equal(first.root.find("os", "type")?.attribute("arch"), undefined);
  assert.equal(second.root.find("os", "type")?.attribute("arch"), "x86_64");
  assert.equal(second.uuid, first.uuid);
});

test("a uuid is taken in every way of writing it", () => {
  for (const written of [uuid, uuid.toUpperCase(), uuid.replaceAll("-", ""), ` ${uuid}\n`]) {
    assert.equal(Definition.parse(xml({ uuid: `<uuid>${written}</uuid>` })).uuid, uuid);
  }
});

for (const [written, kib] of [
  ["<memory>1024</memory>", 1024],
  ["<memory unit='b'>1025</memory>", 2],
  ["<memory unit='bytes'>1024</memory>", 1],
  ["<memory unit='KB'>1024</memory>", 1000],
  ["<memory unit='k'>5</memory>", 5],
  ["<memory unit='M'>1</memory>", 1024],
  ["<memory unit='MB'>1024</memory>", 1_000_000],
  ["<memory unit='gib'> 2 </memory>", 2 * 1024 * 1024],
  ["<memory unit='TiB'>1</memory>", 1024 ** 3],
] as const) {
  test(`${written} is ${kib} KiB`, () => {
    assert.equal(Definition.parse(xml({ memory: written })).memoryKib, kib);
  });
}

test("current memory is at most the memory", () => {
  const of = (current: string): number => Definition.parse(xml({ more: current })).currentMemoryKib;
  assert.equal(of("<currentMemory unit='MiB'>64</currentMemory>"), 65_536);
  assert.equal(of("<currentMemory unit='GiB'>64</currentMemory>"), 131_072);
});

test("a disk's bus follows from its name", () => {
  const disk = (target: string): string => `<disk type='file'><source file='/x'/><target dev='${target}'/></disk>`;
  const { disks } = Definition.parse(xml({ devices: disk("vda") + disk("hda") + disk("sda") + disk("fda") }));
  assert.deepEqual(
    disks.map(({ target, bus, format }) => [target, bus, format]),
    [
      ["vda", "virtio", "raw"],
      ["hda", "ide", "raw"],
      ["sda", "scsi", "raw"],
      ["fda", "fdc", "raw"],
    ],
  );
});

/** As libvirtd 9.0 answered. */
const refused: readonly [what: string, source: string, code: number, domain: number, message: string][] = [
  ["another document", "<network/>", 27, 5, "XML error: expecting root element of 'domain', not 'network'"],
  ["no type", "<domain><name>x</name></domain>", 1, 20, "internal error: missing domain type attribute"],
  [
    "an unknown type",
    xml({ open: "<domain type='nosuch'>" }),
    67,
    20,
    "unsupported configuration: invalid domain type nosuch",
  ],
  ["no name", xml({ name: "" }), 21, 20, "missing name information"],
  ["an empty name", xml({ name: "<name/>" }), 21, 20, "missing name information"],
  ["a slash in the name", xml({ name: "<name>a/b</name>" }), 27, 20, "XML error: name a/b cannot contain '/'"],
  ["a newline in the name", xml({ name: "<name>a\nb</name>" }), 35, 5, "invalid char in name: \n"],
  ["a bad uuid", xml({ uuid: "<uuid>zz</uuid>" }), 1, 20, "internal error: malformed uuid element"],
  [
    "no memory",
    xml({ memory: "" }),
    27,
    20,
    "XML error: Memory size must be specified via <memory> or in the <numa> configuration",
  ],
  [
    "a unit nobody knows",
    xml({ memory: "<memory unit='foo'>1</memory>" }),
    8,
    0,
    "invalid argument: unknown suffix 'foo'",
  ],
  [
    "negative memory",
    xml({ memory: "<memory>-1</memory>" }),
    27,
    5,
    "XML error: Invalid value '-1' for element or attribute './memory[1]'",
  ],
  [
    "memory that no number holds",
    xml({ memory: `<memory>${"9".repeat(20)}</memory>` }),
    27,
    5,
    `XML error: Invalid value '${"9".repeat(20)}' for element or attribute './memory[1]'`,
  ],
  ["words for vcpus", xml({ more: "<vcpu>x</vcpu>" }), 27, 20, "XML error: maximum vcpus count must be an integer"],
  [
    "more vcpus now than ever",
    xml({ more: "<vcpu current='3'>2</vcpu>" }),
    67,
    20,
    "unsupported configuration: maximum vCPU count must not be less than current vCPU count",
  ],
  ["no os type", xml({ os: "" }), 27, 20, "XML error: an os <type> must be specified"],
  [
    "an unknown os type",
    xml({ os: "<os><type>foo</type></os>" }),
    67,
    20,
    "unsupported configuration: unknown OS type 'foo'",
  ],
  [
    "a disk without a target",
    xml({ devices: "<disk type='file'><source file='/x'/></disk>" }),
    20,
    20,
    "missing target information for device /x",
  ],
  [
    "a disk whose name says nothing",
    xml({ devices: "<disk type='file'><target dev='zz'/></disk>" }),
    27,
    20,
    "XML error: Unknown disk name 'zz' and no address specified",
  ],
  [
    "two disks with one name",
    xml({
      devices: "<disk><source file='/a'/><target dev='vda'/></disk><disk><source file='/b'/><target dev='vda'/></disk>",
    }),
    27,
    20,
    "XML error: target 'vda' duplicated for disk sources '/a' and '/b'",
  ],
];

for (const [what, source, code, domain, message] of refused) {
  test(`${what} is refused in libvirt's words`, () => {
    const error = errorOf(source);
    assert.deepEqual([error.code, error.domain, error.message], [code, domain, message]);
  });
}

test("memory beyond all numbers is refused", () => {
  assert.equal(errorOf(xml({ memory: "<memory unit='EiB'>99999</memory>" })).code, ErrorCode.overflow);
});

test("what would be too long to be read again is refused, however short it was given", () => {
  const deep = `${"<a>".repeat(200)}${"<b/>".repeat(10_000)}${"</a>".repeat(200)}`;
  assert.match(errorOf(xml({ more: deep })).message, /^XML error: the definition is longer than 1000000 characters/);
});

test("a text that is no XML says where", () => {
  const error = errorOf("<domain>\n <name>x</nome></domain>");
  assert.deepEqual([error.code, error.domain], [ErrorCode.xmlDetail, ErrorDomain.domain]);
  assert.match(error.message, /^\(domain_definition\):2: .*\n <name>x<\/nome><\/domain>\n-*\^$/);
});

/** Pauses, counted. */
function counting() {
  const counted = {
    pauses: 0,
    pause: async (): Promise<void> => {
      counted.pauses++;
    },
  };
  return counted;
}

const long = xml({ uuid: `<uuid>${uuid}</uuid>`, more: `<x>${"<y z='1'/>".repeat(5_000)}</x>` });

test("a short definition is read without a pause, a long one with many, and both as without", async () => {
  const short = counting();
  const source = xml({ uuid: `<uuid>${uuid}</uuid>` });
  const definition = await Definition.parseWithPauses(source, short.pause);
  assert.equal(definition.toXml(), Definition.parse(source).toXml());
  assert.equal(short.pauses, 0);
  const counted = counting();
  const other = await Definition.parseWithPauses(long, counted.pause);
  assert.equal(other.toXml(), Definition.parse(long).toXml());
  assert.ok(counted.pauses >= long.length / 8_192 + other.toXml().length / 20_000, String(counted.pauses));
});

test("a long definition that is wrong is refused as a short one is", async () => {
  for (const [what, source] of [
    ["broken", `${long}x`],
    ["deep", xml({ more: "<a>".repeat(300) + "<b/>".repeat(5_000) + "</a>".repeat(300) })],
    ["nameless", xml({ name: "", more: `<x>${"y".repeat(20_000)}</x>` })],
    ["too long", xml({ more: `${"<a>".repeat(200)}${"<b/>".repeat(10_000)}${"</a>".repeat(200)}` })],
  ] as const) {
    const { code, domain, message } = errorOf(source);
    await assert.rejects(Definition.parseWithPauses(source, counting().pause), { code, domain, message }, what);
  }
});

test("a definition that nobody waits for any more is given up at the next pause", async () => {
  let pauses = 0;
  const pause = async (): Promise<void> => {
    if (++pauses === 2) throw new Error("aborted");
  };
  await assert.rejects(Definition.parseWithPauses(long, pause), { message: "aborted" });
  assert.equal(pauses, 2);
});

test("what is filled in is shown and read again, even where that makes it larger than users may give", () => {
  const source = xml({ more: `<x>${"<y/>".repeat(32_000)}</x>` });
  const completed = Definition.parse(source, (root) => {
    for (const each of root.first("x")?.elements() ?? []) each.setAttribute("z", "1");
  });
  assert.match(completed.toXml(), /<y z='1'\/>/);
  assert.equal(Definition.restore(completed.toXml()).toXml(), completed.toXml());
  assert.match(errorOf(completed.toXml()).message, /more than 32768 elements and attributes/);
});

test("of many disks no two have one name", () => {
  const letters = (index: number): string => {
    const digits = [index % 26, Math.floor(index / 26) % 26, Math.floor(index / 676) % 26];
    return digits.map((digit) => String.fromCharCode(97 + digit)).join("");
  };
  const disks = Array.from({ length: 5_000 }, (_, index) => `<disk><target dev='vd${letters(index)}'/></disk>`);
  assert.equal(Definition.parse(xml({ devices: disks.join("") })).disks.length, 5_000);
  assert.match(errorOf(xml({ devices: disks.join("") + disks[0] })).message, /target 'vdaaa' duplicated/);
});
