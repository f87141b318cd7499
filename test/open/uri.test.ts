import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { meantUri, type Surroundings } from "../../src/open/client-config.ts";
import { socketsFor } from "../../src/open/sockets.ts";
import { sshCommand } from "../../src/open/ssh.ts";
import { parseUri } from "../../src/open/uri.ts";
import { ErrorCode } from "../../src/protocol/index.ts";

function around(more: Partial<Surroundings> = {}): Surroundings {
  return { env: {}, home: "/home/ada", isRoot: true, read: () => undefined, ...more };
}

suite("a connection URI", () => {
  test("is taken apart", () => {
    const uri = parseUri("qemu+ssh://root@host.example:2222/system?keyfile=/k&no_verify=1");
    const { driver, transport, user, host, port, path, name } = uri;
    assert.deepEqual(
      [driver, transport, user, host, port, path],
      ["qemu", "ssh", "root", "host.example", 2222, "/system"],
    );
    assert.equal(name, "qemu:///system");
    assert.equal(uri.params.keyfile, "/k");
    assert.equal(uri.params.noVerify, true);
  });

  test("without a transport goes by a Unix socket on this machine, and by TLS to another", () => {
    assert.equal(parseUri("qemu:///system").transport, "unix");
    assert.equal(parseUri("qemu://host/system").transport, "tls");
    assert.equal(parseUri("qemu+tls://[fe80::1]:16514/system").host, "fe80::1");
    assert.equal(parseUri("qemu+libssh2://host/system").transport, "ssh");
  });

  test("tells the server what does not concern the way there", () => {
    assert.equal(
      parseUri("test+unix:///default?socket=/s&fault=fail:domainCreate").name,
      "test:///default?fault=fail%3AdomainCreate",
    );
    assert.equal(parseUri("qemu+tcp://host/system?name=xen:///system").name, "xen:///system");
    assert.equal(parseUri("remote+tcp://host/").name, null);
    assert.equal(parseUri("qemu+tcp://host/?name=").name, null);
    assert.equal(parseUri("xen:").name, "xen:///");
  });

  test("has its parameters percent-encoded, and a plus is one", () => {
    assert.equal(parseUri("qemu+unix:///system?socket=/tmp/a+b%20c%2Bd").params.socket, "/tmp/a+b c+d");
    assert.equal(
      parseUri("test+unix:///default?x=a+b%20c=%26&y&&=z&socket=/s").name,
      "test:///default?x=a%2Bb%20c%3D%26&y=",
    );
    assert.equal(parseUri("qemu+ssh://a%40b@lo%63alhost/system").user, "a@b");
    assert.equal(parseUri("qemu+ssh://lo%63alhost/system").host, "localhost");
  });

  test("with a host that is none is not one of this machine", () => {
    for (const uri of [
      "qemu+ssh://prod1:/system",
      "qemu+ssh://prod1:22a/system",
      "qemu+ssh://root@prod1:ssh/system",
      "qemu+ssh://root@prod1@prod2/system",
      "qemu+tcp://[::1/system",
      "qemu+tcp://::1]/system",
      "qemu://:/system",
    ]) {
      assert.throws(() => parseUri(uri), { code: ErrorCode.invalidArg, message: /is no connection URI/ }, uri);
    }
    const { host, path } = parseUri("test+tcp:////default");
    assert.deepEqual([host, path], ["", "//default"]);
    assert.deepEqual([parseUri("test:/default").path, parseUri("test:").path], ["/default", "/"]);
  });

  test("that is none says why", () => {
    const refused = (uri: string, message: RegExp): void =>
      assert.throws(() => parseUri(uri), { code: ErrorCode.invalidArg, message });
    refused("nonsense", /write it as in qemu:\/\/\/system/);
    refused("qemu+ssh://%zz@h/system", /"%zz" has a "%" that does not stand for a character/);
    refused("qemu+unix:///system?socket=%zz", /"%zz" has a "%"/);
    refused("qemu+smoke:///system", /no transport "smoke"/);
    refused("qemu+unix://host/system", /leave the host out/);
    refused("qemu:///system?mode=sideways", /choose one of auto, legacy, direct/);
  });
});

suite("which hypervisor is meant", () => {
  test("is what is given, or an alias of libvirt's client configuration", () => {
    const text =
      '# uri_default = "no:///"\nuri_aliases = [\n  "hail=qemu+ssh://root@hail/system",\n  "sleet = xen:///",\n]\n';
    const configured = around({ read: (path) => (path === "/etc/libvirt/libvirt.conf" ? text : undefined) });
    assert.equal(meantUri("hail", configured), "qemu+ssh://root@hail/system");
    assert.equal(meantUri("sleet", configured), "xen:///");
    assert.equal(meantUri("test:///default", configured), "test:///default");
    assert.equal(meantUri(undefined, configured), "qemu:///system");
  });

  test("is LIBVIRT_DEFAULT_URI, the configured default, or one's own, in that order", () => {
    const read = (path: string): string | undefined =>
      path === "/home/ada/.config/libvirt/libvirt.conf" ? 'uri_default = "test:///default"\n' : undefined;
    assert.equal(
      meantUri(undefined, around({ read, isRoot: false, env: { LIBVIRT_DEFAULT_URI: "xen:///" } })),
      "xen:///",
    );
    assert.equal(meantUri(undefined, around({ read, isRoot: false })), "test:///default");
    assert.equal(meantUri(undefined, around({ isRoot: false })), "qemu:///session");
  });
});

suite("the sockets of a hypervisor", () => {
  test("are ours, libvirt's for the driver, and libvirtd's", () => {
    assert.deepEqual(socketsFor(parseUri("qemu:///system"), false, around()), [
      "/run/virtwright/virtwright-sock",
      "/run/libvirt/virtqemud-sock",
      "/run/libvirt/libvirt-sock",
    ]);
    assert.deepEqual(socketsFor(parseUri("qemu:///system?mode=legacy"), true, around()), [
      "/run/libvirt/libvirt-sock-ro",
    ]);
    assert.deepEqual(socketsFor(parseUri("test:///default?socket=/s"), true, around()), ["/s"]);
  });

  test("of a session are in the user's directories, where one may do everything", () => {
    const user = around({ isRoot: false, env: { XDG_RUNTIME_DIR: "/run/user/7" } });
    assert.deepEqual(socketsFor(parseUri("qemu:///session?mode=direct"), true, user), [
      "/run/user/7/libvirt/virtqemud-sock",
    ]);
    assert.deepEqual(socketsFor(parseUri("qemu:///session?mode=legacy"), false, around()), [
      "/home/ada/.cache/libvirt/libvirt-sock",
    ]);
  });
});

suite("ssh", () => {
  test("is the system's, and gets a host for a host whatever it looks like", () => {
    const { command, args } = sshCommand(parseUri("qemu+ssh://ada@-oProxyCommand=x/system?no_tty=1"), false);
    assert.equal(command, "ssh");
    const end = args.indexOf("--");
    assert.equal(args[end + 1], "-oProxyCommand=x");
    assert.deepEqual(args.slice(0, end), ["-l", "ada", "-o", "BatchMode=yes", "-T", "-e", "none"]);
  });

  test("runs libvirt's helper, or netcat where that is asked for", () => {
    const script = (uri: string, readOnly = false): string => sshCommand(parseUri(uri), readOnly).args.at(-1) ?? "";
    assert.match(script("qemu+ssh://h/system?proxy=native"), /^sh -c 'exec virt-ssh-helper /);
    assert.match(script("qemu+ssh://h/system?proxy=native", true), /virt-ssh-helper -r /);
    assert.doesNotMatch(script("qemu+ssh://h/system?proxy=netcat"), /virt-ssh-helper/);
    assert.match(script("qemu+ssh://h/system?socket=/my/sock"), /-S .*\/my\/sock.* -U "\$s"/);
  });
});
