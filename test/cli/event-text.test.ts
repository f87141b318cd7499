import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { eventText } from "../../src/cli/event-text.ts";
import { sampleEvents } from "../daemon/sample-events.ts";

suite("eventText", () => {
  test("has words for every kind of event", () => {
    assert.deepEqual(sampleEvents.map(eventText), [
      "started (booted)",
      "reboot",
      "rtc change (offset -3600)",
      "watchdog (action pause)",
      "io error (srcPath /images/a, devAlias virtio-disk0, action pause)",
      "graphics (phase connected, local 0 ::1 5900, remote 0 ::1 40000, authScheme none, subject x509dname CN=guest)",
      "io error reason (srcPath /images/a, devAlias virtio-disk0, action pause, reason enospc)",
      "control error",
      "block job (path /images/a, type pull, status completed)",
      "disk change (oldSrcPath /images/a, devAlias ide0-1-0, reason missing at start)",
      "tray change (devAlias ide0-1-0, reason opened)",
      "pmwakeup",
      "pmsuspend",
      "balloon change (actual 524288)",
      "pmsuspend disk",
      "device removed (devAlias net0)",
      "block job2 (dst vda, type pull, status completed)",
      "tunable (params cputune.cpu_shares=1024)",
      "agent lifecycle (state connected, reason unknown)",
      "device added (devAlias net0)",
      "migration iteration (iteration 2)",
      "job completed (params cputune.cpu_shares=1024)",
      "device removal failed (devAlias net0)",
      "metadata change (type element, nsuri http://example.org/)",
      "block threshold (dev vda, threshold 1000, excess 1)",
      "memory failure (recipient hypervisor, action injected, flags 0)",
      "memory device size change (alias virtiomem0, size 131072)",
      "nic mac change (alias net0, oldMac 52:54:00:00:00:01, newMac 52:54:00:00:00:02)",
    ]);
  });

  test("a reason is in words too", () => {
    const dom = { name: "a", uuid: "00000000-0000-4000-8000-000000000001", id: 1 };
    assert.equal(eventText({ name: "lifecycle", dom, event: 2, detail: 3 }), "started (from snapshot)");
  });

  test("numbers that libvirt may add stay numbers", () => {
    const dom = { name: "a", uuid: "00000000-0000-4000-8000-000000000001", id: 1 };
    assert.equal(eventText({ name: "lifecycle", dom, event: 4, detail: 99 }), "resumed (detail 99)");
    assert.equal(eventText({ name: "lifecycle", dom, event: 99, detail: 1 }), "event 99 (detail 1)");
    assert.equal(eventText({ name: "watchdog", dom, action: 99 }), "watchdog (action 99)");
  });
});
