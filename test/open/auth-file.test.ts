import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { knownCredentials } from "../../src/open/auth-file.ts";
import type { Surroundings } from "../../src/open/client-config.ts";
import { parseUri } from "../../src/open/uri.ts";

const file = `# who we are
[credentials-lab]
authname = ada
password = a=b # no comment

[credentials-other]
username=grace
password=hopper

[auth-libvirt-lab.example]
credentials=lab

[auth-libvirt-default]
credentials=other
`;

function around(files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}): Surroundings {
  return { env, home: "/home/ada", isRoot: false, read: (path) => files[path] };
}

const own = { "/home/ada/.config/libvirt/auth.conf": file };
const known = (uri: string, surroundings = around(own)) => knownCredentials(parseUri(uri), surroundings);

suite("libvirt's file of credentials", () => {
  test("says who one is to a host, and to all others", () => {
    assert.deepEqual(known("qemu+tls://lab.example/system"), { user: "ada", password: "a=b # no comment" });
    assert.deepEqual(known("qemu:///system"), { user: "grace", password: "hopper" });
  });

  test("leaves the name to the URI", () => {
    assert.deepEqual(known("qemu+tls://bob@lab.example/system"), { user: "bob", password: "a=b # no comment" });
  });

  test("is the one that is named, else the user's, else the machine's", () => {
    const etc = { "/etc/libvirt/auth.conf": file };
    const uri = "qemu+tls://lab.example/system";
    assert.equal(known(uri, around(etc))?.user, "ada");
    assert.equal(known(uri, around({ ...etc, "/a": "" }, { LIBVIRT_AUTH_FILE: "/a" })), undefined);
    assert.equal(known(`${uri}?authfile=/b`, around({ "/b": file }))?.user, "ada");
    assert.equal(parseUri(`${uri}?authfile=/b`).name, "qemu:///system");
  });

  test("may be missing, and say nothing", () => {
    assert.equal(known("qemu:///system", around({})), undefined);
    assert.equal(
      known("qemu:///system", around({ "/home/ada/.config/libvirt/auth.conf": "[auth-libvirt-default]\n" })),
      undefined,
    );
  });
});
