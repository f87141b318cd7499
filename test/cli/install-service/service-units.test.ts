import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { serviceUnits } from "../../../src/cli/install-service/service-units.ts";

const run = "/run/virtwright/virtwright-sock";
const facts = {
  command: ["/opt/a node/bin/node", "/opt/100%/main.js", "daemon"],
  sockets: [
    { path: run, mode: 0o770, group: 64_055, backlog: 20 },
    { path: `${run}-ro`, mode: 0o777, readOnly: true },
    { path: "/run/libvirt/libvirt-sock" },
  ],
  endS: 35,
};

function textOf(name: string): string {
  return serviceUnits(facts).find((unit) => unit.name === name)?.text ?? assert.fail(`no ${name}`);
}

suite("the units of the service", () => {
  test("are the service's, and one for each socket", () => {
    assert.deepEqual(
      serviceUnits(facts).map(({ name }) => name),
      ["virtwright.service", "virtwright.socket", "virtwright-ro.socket", "virtwright-libvirt.socket"],
    );
  });

  test("leave guests alone, and have systemd wait until clients are served", () => {
    const text = textOf("virtwright.service");
    for (const line of ["KillMode=process", "Type=notify", "TimeoutStopSec=35", "ExecReload=/bin/kill -HUP $MAINPID"])
      assert.ok(text.split("\n").includes(line), line);
  });

  test("say the command as systemd reads it", () => {
    assert.match(textOf("virtwright.service"), /^ExecStart="\/opt\/a node\/bin\/node" \/opt\/100%%\/main\.js daemon$/m);
  });

  test("give sockets the permissions that the daemon would", () => {
    const text = textOf("virtwright.socket");
    for (const line of [`ListenStream=${run}`, "SocketMode=0770", "SocketGroup=64055", "Backlog=20"])
      assert.ok(text.split("\n").includes(line), line);
    assert.match(textOf("virtwright-ro.socket"), /^SocketMode=0777$/m);
    assert.doesNotMatch(textOf("virtwright-ro.socket"), /SocketGroup|Backlog/);
  });

  test("take no socket away from libvirtd", () => {
    assert.match(textOf("virtwright-libvirt.socket"), /^AssertPathExists=!\/run\/libvirt\/libvirt-sock$/m);
    assert.doesNotMatch(textOf("virtwright.socket"), /Assert/);
  });
});
