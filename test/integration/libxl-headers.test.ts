import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fetchedPackages } from "../../lab/xen/fetch.ts";
import { whyNoLab } from "../../lab/xen/lab.ts";
import { domainConfig, type Keys } from "../../src/libxl/config-keys.ts";
import { libraryVersions } from "../../src/libxl/versions.ts";

const skip = whyNoLab() ?? false;

function headers(): string {
  const { root = assert.fail() } = fetchedPackages() ?? {};
  return join(root, "usr/include");
}

test("the layout of libxl's structs is that of its headers", { skip }, (t) => {
  const directory = mkdtempSync(join(tmpdir(), "libxl-layout-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "layout.c"), program);
  execFileSync("gcc", ["-I", headers(), "-o", join(directory, "layout"), join(directory, "layout.c")]);
  const found: unknown = JSON.parse(execFileSync(join(directory, "layout"), { encoding: "utf8" }));
  const ours = libraryVersions.find(({ version }) => version === "4.17");
  assert.deepEqual(found, { ...ours?.layout, hooks: [48, 24, 24, 16, 24] });
});

const program = `
#include <stddef.h>
#include <stdio.h>
#include <sys/time.h>
#include <libxl.h>
#include <libxl_event.h>
#define AT(type, field) (int) offsetof(libxl_##type, field)
#define SIZE(type) (int) sizeof(libxl_##type)
int main(void) {
  printf("{\\"domainConfig\\": {\\"size\\": %d},", SIZE(domain_config));
  printf("\\"domainInfo\\": {\\"size\\": %d, \\"domid\\": %d, \\"flags\\": %d, \\"shutdownReason\\": %d,", SIZE(dominfo),
    AT(dominfo, domid), AT(dominfo, running), AT(dominfo, shutdown_reason));
  printf("\\"outstandingMemoryKib\\": %d, \\"cpuTime\\": %d, \\"vcpuMaxId\\": %d, \\"type\\": %d},",
    AT(dominfo, outstanding_memkb), AT(dominfo, cpu_time), AT(dominfo, vcpu_max_id), AT(dominfo, domain_type));
  printf("\\"vcpuInfo\\": {\\"size\\": %d, \\"cpu\\": %d, \\"online\\": %d, \\"blocked\\": %d,", SIZE(vcpuinfo),
    AT(vcpuinfo, cpu), AT(vcpuinfo, online), AT(vcpuinfo, blocked));
  printf("\\"running\\": %d, \\"time\\": %d, \\"cpumap\\": %d},", AT(vcpuinfo, running), AT(vcpuinfo, vcpu_time),
    AT(vcpuinfo, cpumap));
  printf("\\"event\\": {\\"domid\\": %d, \\"forUser\\": %d, \\"type\\": %d, \\"union\\": %d},",
    AT(event, domid), AT(event, for_user), AT(event, type), AT(event, u));
  printf("\\"versionInfo\\": {\\"commandLine\\": %d},", AT(version_info, commandline));
  printf("\\"bitmap\\": {\\"size\\": %d},", SIZE(bitmap));
  printf("\\"restoreParams\\": {\\"size\\": %d, \\"streamVersion\\": %d},", SIZE(domain_restore_params),
    AT(domain_restore_params, stream_version));
  printf("\\"numaInfo\\": {\\"size\\": %d, \\"memory\\": %d, \\"free\\": %d},", SIZE(numainfo), AT(numainfo, size),
    AT(numainfo, free));
  printf("\\"cpuTopology\\": {\\"size\\": %d, \\"core\\": %d, \\"socket\\": %d, \\"node\\": %d},", SIZE(cputopology),
    AT(cputopology, core), AT(cputopology, socket), AT(cputopology, node));
  printf("\\"devices\\": {\\"disk\\": {\\"size\\": %d}, \\"nic\\": {\\"size\\": %d}},", SIZE(device_disk), SIZE(device_nic));
  printf("\\"hooks\\": [%d, %d, %d, %d, %d]}", SIZE(osevent_hooks), SIZE(event_hooks), SIZE(childproc_hooks),
    SIZE(asyncop_how), SIZE(asyncprogress_how));
}
`;

/** What opening a context comes to in a process of its own, which finds its libraries there. */
function openedWith(libraries: string): string {
  const program = `
    import { openLoop } from ${JSON.stringify(join(import.meta.dirname, "../../src/os/index.ts"))};
    import { openContext } from ${JSON.stringify(join(import.meta.dirname, "../../src/libxl/index.ts"))};
    const loop = openLoop();
    try { openContext(loop); } catch (error) { console.log(error.name + ": " + error.message); }
    await loop.close();
  `;
  const env = { ...process.env, LD_LIBRARY_PATH: libraries };
  return execFileSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
    env,
    timeout: 30_000,
  });
}

test("without Xen a context is refused with libxl's reason, and the process goes on", { skip }, (t) => {
  if (existsSync("/proc/xen/privcmd") || existsSync("/dev/xen/privcmd")) return t.skip("Xen runs here");
  const libraries = join(headers(), "../lib/x86_64-linux-gnu");
  assert.match(openedWith(libraries), /^LibxlError: libxl_ctx_alloc: \w+: .+\n$/);
});

test("without a libxl that is known a context is refused, and the versions are named", (t) => {
  if (existsSync("/usr/lib/x86_64-linux-gnu/libxenlight.so.4.17")) return t.skip("libxl is installed here");
  assert.match(openedWith(""), /^LibraryError: no libxl of a version that is known \(4.17\) can be loaded: .+\n$/);
});

test("the keys of a configuration are the fields of the headers' structs", { skip }, () => {
  const text = readFileSync(join(headers(), "_libxl_types.h"), "utf8");
  const build = domainConfig.b_info;
  const tables: readonly [string, Keys][] = [
    ["domain_config", domainConfig],
    ["domain_create_info", domainConfig.c_info],
    ["domain_build_info", build],
    ["domain_sched_params", build.sched_params],
    ["vnode_info", build.vnuma_nodes.each],
    ["ioport_range", build.ioports.each],
    ["iomem_range", build.iomem.each],
    ["vnc_info", build["type.hvm"].vnc],
    ["sdl_info", build["type.hvm"].sdl],
    ["spice_info", build["type.hvm"].spice],
    ["device_disk", domainConfig.disks.each],
    ["device_nic", domainConfig.nics.each],
    ["device_pci", domainConfig.pcidevs.each],
    ["device_rdm", domainConfig.rdms.each],
    ["device_vfb", domainConfig.vfbs.each],
    ["device_vkb", domainConfig.vkbs.each],
    ["device_vtpm", domainConfig.vtpms.each],
    ["device_p9", domainConfig.p9s.each],
    ["device_vdispl", domainConfig.vdispls.each],
    ["device_vsnd", domainConfig.vsnds.each],
    ["device_channel", domainConfig.channels.each],
    ["device_usbctrl", domainConfig.usbctrls.each],
    ["device_usbdev", domainConfig.usbdevs.each],
  ];
  for (const [name, table] of tables) {
    assert.deepEqual(Object.keys(table).sort(), fieldsOf(structOf(text, name)), name);
  }
  for (const type of ["hvm", "pv", "pvh"] as const) {
    const union = structOf(text, "domain_build_info");
    const [, body = ""] = new RegExp(`struct \\{\\n([^{}]*)\\} ${type};`).exec(union) ?? [];
    assert.deepEqual(Object.keys(build[`type.${type}`]).sort(), fieldsOf(body), type);
  }
});

function structOf(text: string, name: string): string {
  const [, body = ""] =
    new RegExp(`typedef struct libxl_${name} \\{\\n(.*?)\\n\\} libxl_${name};`, "s").exec(text) ?? [];
  assert.notEqual(body, "", name);
  return body;
}

/** The JSON's keys for a struct: a union's members bear the name of the field that says which it is, whose own goes. */
function fieldsOf(body: string): string[] {
  const keys: string[] = [];
  for (const union of body.matchAll(/(\w+);\s*union \{\n((?:\s+struct \{\n[^{}]*\} \w+;\n)+)\s*\} u;/g)) {
    const [, selector = "", members = ""] = union;
    for (const [, member] of members.matchAll(/\} (\w+);/g)) keys.push(`${selector}.${member}`);
    if (selector === "connection") keys.push("connection.pty", "connection.unknown");
    body = body.replace(union[0], "");
  }
  // What is const has been given up: it is there for old programs to compile, and the JSON knows nothing of it.
  body = body.replaceAll(/const char \* \w+;/g, "");
  body = body.replaceAll(/struct \{[^{}]*\} (\w+);/g, "int $1;");
  for (const [, field = ""] of body.matchAll(/(\w+);/g))
    if (!field.startsWith("num_") || !isCount(body, field)) keys.push(field);
  return keys.sort();
}

/** Whether a field counts the array that follows it: the JSON has no such key. */
function isCount(body: string, field: string): boolean {
  return new RegExp(`\\bint ${field};\\s*\\w+ \\* `).test(body);
}
