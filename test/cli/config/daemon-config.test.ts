import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { changedForRestart, configKeys, type DaemonConfig, readConfig } from "../../../src/cli/config/daemon-config.ts";

const read = (text: string): DaemonConfig => readConfig(text, "f").config;

suite("readConfig", () => {
  test("fills in the defaults", () => {
    const config = read("");
    assert.deepEqual(
      [config.max_clients, config.max_client_requests, config.unix_sock_rw_perms, config.log_level, config.drivers],
      [5000, 5, 0o700, 3, ["qemu", "xen", "test"]],
    );
  });

  test("reads each kind of value", () => {
    const config = read(`
      unix_sock_dir = "/srv/vm"
      unix_sock_rw_perms = "0770"
      auth_unix_rw = "none"
      keepalive_interval = -1
      log_level = 1
      log_filters = "1:qemu 4:rpc"
      log_outputs = "2:file:/var/log/x"
      drivers = [ "test" ]`);
    assert.deepEqual(
      [config.unix_sock_dir, config.unix_sock_rw_perms, config.keepalive_interval],
      ["/srv/vm", 0o770, -1],
    );
    assert.deepEqual(config.log_filters, [
      { level: 1, match: "qemu" },
      { level: 4, match: "rpc" },
    ]);
    assert.deepEqual(config.log_outputs, [{ level: 2, kind: "file", path: "/var/log/x" }]);
    assert.deepEqual(config.drivers, ["test"]);
  });

  test("accepts what libvirtd knows and has no meaning here, and says so", () => {
    const { warnings } = readConfig("min_workers = 5\nprio_workers = 5\nlisten_tls = 0\n", "f");
    assert.deepEqual(warnings, [
      "f:1: min_workers means nothing here: one thread serves all clients",
      "f:2: prio_workers means nothing here: one thread serves all clients",
    ]);
  });

  for (const [text, message] of [
    ["\nmax_client = 1", /^f:2: unknown key max_client: did you mean max_clients\? The keys are unix_sock_dir, /],
    ["clients_max = 1", /did you mean max_clients\?/],
    ["color = 1", /^f:1: unknown key color: The keys are unix_sock_dir, .*admin_keepalive_count$/],
    ["constructor = 1", /^f:1: unknown key constructor/],
    ['max_clients = "5"', /^f:1: max_clients = "5": it is a whole number from 1$/],
    ["max_clients = 0", /^f:1: max_clients = 0: it is a whole number from 1$/],
    ["unix_sock_group = 5", /^f:1: unix_sock_group = 5: it is a string in quotes$/],
    ['unix_sock_rw_perms = "rw"', /^f:1: .*it is permissions in octal digits, in quotes: "0770"$/],
    ['unix_sock_dir = "run"', /^f:1: .*it is an absolute path in quotes$/],
    [
      'auth_unix_rw = "kerberos"',
      /^f:1: .*"kerberos" is not there; use "none", and say by unix_sock_group and .* who may connect, "polkit", or "sasl", and make users by virtwright user add$/,
    ],
    ["auth_unix_ro = 0", /^f:1: auth_unix_ro = 0: it is "none" or "polkit" or "sasl"$/],
    ['auth_tls = "polkit"', /^f:1: .*"polkit" is not there; polkit knows this machine's processes alone: /],
    ['auth_tcp = "sasl"', /^f:1: auth_tcp = "sasl": "sasl" is not there; nothing would hide what clients send: /],
    ["listen_tls = 2", /^f:1: listen_tls = 2: it is 0 or 1$/],
    ['tls_port = "65536"', /^f:1: tls_port = "65536": it is a port in quotes, from 1 to 65535$/],
    ['ca_file = "ca.pem"', /^f:1: .*it is an absolute path in quotes$/],
    ['tls_allowed_dn_list = "CN=a"', /^f:1: .*it is a list of distinguished names in quotes/],
    ['drivers = ["lxc"]', /^f:1: .*it is a list of one or more of "qemu", "xen", "test", each once$/],
    ["drivers = []", /^f:1: .*it is a list of one or more/],
    ['drivers = ["test", "test"]', /^f:1: .*each once$/],
    [
      'access_rules = [\n  "allow anybody *:read",\n  # of the house\n  "permit anybody *"\n]',
      /^f:4: access_rules = .*"permit anybody \*": a rule is: allow\|deny WHO/,
    ],
    ["log_level = 5", /^f:1: log_level = 5: it is 1 \(debug\), 2 \(info\), 3 \(warning\) or 4 \(error\)$/],
    ['log_filters = "qemu"', /^f:1: .*"qemu" is not LEVEL:SOURCE, with a level from 1/],
    [
      'log_outputs = "1:syslog:x"',
      /^f:1: .*an output is stderr, journald or file:\/ABSOLUTE\/PATH; journald reaches syslog/,
    ],
    ['log_outputs = "1:file:x"', /^f:1: .*an output is stderr, journald or file:\/ABSOLUTE\/PATH$/],
    ['min_workers = "many"', /^f:1: min_workers = "many": it is a whole number$/],
  ] as const) {
    test(`refuses ${JSON.stringify(text)}, and says what is allowed`, () => {
      assert.throws(() => read(text), { name: "UsageError", message });
    });
  }

  test("knows which changes need a restart", () => {
    const after = read('max_clients = 7\nunix_sock_group = "vm"\ndrivers = ["test"]\nlog_level = 1');
    assert.deepEqual(changedForRestart(read(""), after), ["unix_sock_group", "drivers"]);
    assert.deepEqual(changedForRestart(after, after), []);
  });
});

test("docs/daemon.md has the keys, their defaults and when they count, as the code does", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../docs/daemon.md"), "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)` \| (?:`([^|]*)` )?\|(?: .*)? \| ([\w ]+) \|$/gm)];
  assert.deepEqual(
    rows.map(([, key, shown = "", effect]) => [key, shown, effect]),
    Object.entries(configKeys).map(([key, { shown, effect }]) => [key, shown, effect]),
  );
});

test("each default as docs/daemon.md shows it reads as the default", () => {
  for (const [key, { shown, initial }] of Object.entries(configKeys)) {
    if (shown !== "") assert.deepEqual(read(`${key} = ${shown}`)[key as keyof DaemonConfig], initial, key);
  }
});
