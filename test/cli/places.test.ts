import assert from "node:assert/strict";
import { existsSync, mkdtempSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { suite, test } from "node:test";
import { sessionPlaces, systemPlaces, trialPlaces } from "../../src/cli/places.ts";

suite("the places of a daemon", () => {
  test("the system's", () => {
    const { configFile, pidFile, socketDir, libvirtSocketDir } = systemPlaces;
    assert.deepEqual(
      [configFile, pidFile, socketDir, libvirtSocketDir],
      ["/etc/virtwright/virtwright.conf", "/run/virtwright/virtwright.pid", "/run/virtwright", "/run/libvirt"],
    );
  });

  test("a user's are where the XDG variables say", () => {
    const places = sessionPlaces(
      { XDG_RUNTIME_DIR: "/run/user/7", XDG_CONFIG_HOME: "/c", XDG_STATE_HOME: "/s", XDG_CACHE_HOME: "/x" },
      "/home/u",
    );
    assert.equal(places.configFile, "/c/virtwright/virtwright.conf");
    assert.equal(places.pidFile, "/run/user/7/virtwright/virtwright.pid");
    assert.equal(places.libvirtSocketDir, "/run/user/7/libvirt");
    assert.equal(places.stateDir, "/s/virtwright/qemu");
    assert.equal(places.logDir, "/s/virtwright/log");
  });

  test("without them, or with relative ones, below the home directory, as the specification says", () => {
    for (const env of [{}, { XDG_RUNTIME_DIR: "run", XDG_CONFIG_HOME: "", XDG_STATE_HOME: "." }]) {
      const places = sessionPlaces(env, "/home/u");
      assert.equal(places.configFile, "/home/u/.config/virtwright/virtwright.conf");
      assert.equal(places.socketDir, "/home/u/.cache/virtwright");
      assert.equal(places.libvirtSocketDir, "/home/u/.cache/libvirt");
      assert.equal(places.stateDir, "/home/u/.local/state/virtwright/qemu");
    }
  });
});

suite("the places of a trial", () => {
  test("are all in the directory", () => {
    const directory = mkdtempSync(join(tmpdir(), "vw-"));
    try {
      const places = trialPlaces(directory);
      const { resources, ...rest } = places;
      for (const path of [...Object.values(rest), ...Object.values(resources)])
        assert.ok(path.startsWith(`${directory}/`), path);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("are still there when it is too deep, but for the sockets", () => {
    const top = mkdtempSync(join(tmpdir(), "vw-"));
    const directory = join(top, "d".repeat(100));
    const { socket, readOnlySocket, monitorDir, resources, ...kept } = trialPlaces(directory);
    const short = dirname(socket);
    try {
      for (const path of [...Object.values(kept), ...Object.values(resources)])
        assert.ok(path.startsWith(`${directory}/`), path);
      for (const path of [socket, readOnlySocket, monitorDir]) assert.equal(dirname(path), short);
      assert.ok(existsSync(directory) && dirname(short) === tmpdir());
      assert.equal(statSync(short).mode & 0o777, 0o700);
      assert.equal(trialPlaces(join(realpathSync(top), "d".repeat(100))).socket, socket, "the same every time");
    } finally {
      rmSync(top, { recursive: true });
      rmSync(short, { recursive: true });
    }
  });
});
