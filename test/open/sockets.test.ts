import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { daemonSockets } from "../../src/open/index.ts";

suite("where daemons of this machine would listen", () => {
  test("is ours first, then libvirt's for the hypervisor, then libvirtd's", () => {
    assert.deepEqual(daemonSockets("xen:///system"), [
      "/run/virtwright/virtwright-sock",
      "/run/libvirt/virtxend-sock",
      "/run/libvirt/libvirt-sock",
    ]);
  });

  test("is nowhere when the URI says itself where to go", () => {
    for (const uri of ["xen+ssh://host/system", "qemu+tcp://host/system", "xen:///system?socket=/run/other"]) {
      assert.deepEqual(daemonSockets(uri), []);
    }
  });
});
