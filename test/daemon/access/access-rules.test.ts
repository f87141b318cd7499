import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { AccessRules, faultOfRule } from "../../../src/daemon/access/access-rules.ts";
import type { Principal } from "../../../src/daemon/principal.ts";

const alice: Principal = { door: "tls", user: "alice" };
const backup: Principal = { door: "tls", certificate: "CN=backup,O=Example Ltd" };
const root: Principal = { door: "unix", identity: { uid: 0, gid: 0, pid: 1 } };
const stranger: Principal = { door: "unix", identity: { uid: 54_321, gid: 54_321, pid: 1 }, groups: [4_711] };
const allowed = (rules: AccessRules, who: Principal, permission: string, name?: string): boolean =>
  rules.decide(who, permission, { name, tags: [] }).allowed;
const tagged = (rules: AccessRules, permission: string, ...tags: readonly string[][]): boolean =>
  rules.decide(alice, permission, { name: "web", tags }).allowed;

suite("access rules", () => {
  test("the first that fits decides, and is named", () => {
    const rules = new AccessRules(["deny user alice domain:delete on keep-*", "allow user alice domain:*"]);
    assert.equal(allowed(rules, alice, "domain:delete", "web"), true);
    assert.deepEqual(rules.decide(alice, "domain:delete", { name: "keep-1", tags: [] }), {
      allowed: false,
      reason: 'rule 1, "deny user alice domain:delete on keep-*"',
    });
    assert.deepEqual(rules.decide(alice, "network:read", { name: "web", tags: [] }), {
      allowed: false,
      reason: "no rule allows it",
    });
  });

  test("where none fits, root, the daemon's user and the sockets' group may, by the kernel's word alone", () => {
    const rules = new AccessRules(["allow user nobody-here *"], 4_711);
    assert.equal(allowed(rules, root, "domain:stop", "web"), true);
    assert.equal(allowed(rules, stranger, "domain:stop", "web"), true, "in the group");
    assert.equal(allowed(rules, { ...stranger, groups: [] }, "domain:stop", "web"), false);
    assert.equal(allowed(rules, { door: "tls", user: "root", groups: [4_711] }, "domain:stop", "web"), false);
    assert.equal(allowed(rules, { door: "tcp" }, "domain:stop", "web"), false);
  });

  test("tags count in every definition where they allow, and in any where they deny", () => {
    const allowing = new AccessRules(["allow user alice domain:* tagged web,test-*"]);
    assert.equal(tagged(allowing, "domain:stop", ["a", "test-1"], ["web"]), true);
    assert.equal(tagged(allowing, "domain:stop", ["web"], ["a"]), false);
    assert.equal(tagged(allowing, "domain:stop"), false, "it has none");
    const denying = new AccessRules(["deny anybody * on w* tagged keep", "allow user alice domain:*"]);
    assert.equal(tagged(denying, "domain:stop", [], ["keep"]), false);
    assert.equal(tagged(denying, "domain:stop", ["kept"], []), true);
    assert.equal(allowing.decide(alice, "domain:stop", { name: "web", tags: undefined }).allowed, false);
    assert.equal(denying.decide(alice, "domain:stop", { name: undefined, tags: undefined }).allowed, false);
  });

  test("changing tags is allowed by its own name or by all, and by no rule about tags", () => {
    const may = (rule: string): boolean => tagged(new AccessRules([rule]), "domain:tag", ["web"]);
    for (const rule of [
      "allow user alice domain:tag",
      "allow user alice *",
      "allow anybody domain:read,domain:tag on w*",
    ])
      assert.equal(may(rule), true, rule);
    for (const rule of ["domain:*", "*:*", "domain:t*", "domain:tag tagged web", "* tagged web"])
      assert.equal(may(`allow user alice ${rule}`), false, rule);
    assert.equal(tagged(new AccessRules(["deny anybody domain:*", "allow user alice *"]), "domain:tag", []), false);
  });

  test("a rule may deny root", () => {
    assert.equal(
      allowed(new AccessRules(["deny anybody domain:delete on keep-*"]), root, "domain:delete", "keep-1"),
      false,
    );
  });

  test("a name stands for this machine's user unless somebody has logged in under another", () => {
    const rules = new AccessRules(["allow user root *", "deny anybody *"]);
    assert.equal(allowed(rules, root, "domain:stop", "web"), true);
    assert.equal(allowed(rules, { ...root, user: "alice" }, "domain:stop", "web"), false);
    assert.equal(allowed(rules, { door: "tls", user: "root" }, "domain:stop", "web"), true);
  });

  test("knows groups and certificates", () => {
    const rules = new AccessRules([
      "allow certificate 'CN=backup,O=Example *' *:read",
      "allow group root connect:*",
      "deny anybody *",
    ]);
    assert.equal(allowed(rules, backup, "domain:read", "web"), true);
    assert.equal(allowed(rules, { ...backup, certificate: "CN=backup,O=Other" }, "domain:read", "web"), false);
    assert.equal(
      allowed(rules, { ...backup, certificate: "CN=x,CN=backup,O=Example Ltd" }, "domain:read", "web"),
      false,
    );
    assert.equal(allowed(rules, root, "connect:read", ""), true);
    assert.equal(allowed(rules, { ...stranger, groups: [0] }, "connect:read", ""), true);
    assert.equal(
      allowed(rules, { door: "tls", groups: [0] }, "connect:read", ""),
      false,
      "groups without an identity are nobody's",
    );
  });

  test("where the name is not known, what denies some denies it, and what allows some does not allow it", () => {
    const rules = new AccessRules([
      "allow user alice domain:start on web-*",
      "deny user alice domain:stop on db-*",
      "allow user alice domain:stop",
    ]);
    assert.equal(allowed(rules, alice, "domain:start"), false);
    assert.equal(allowed(rules, alice, "domain:stop"), false);
    assert.equal(allowed(rules, alice, "domain:stop", "web-1"), true);
  });

  test("names are whole, and nothing in them but * and ? means anything", () => {
    const rules = new AccessRules(["allow user alice domain:start on web.1,a?c", "deny anybody *"]);
    for (const [name, expected] of [
      ["web.1", true],
      ["webx1", false],
      ["web.10", false],
      ["abc", true],
      ["abbc", false],
      ["web.1\n", false],
    ] as const)
      assert.equal(allowed(rules, alice, "domain:start", name), expected, name);
  });

  test("a pattern that was made to take long does not", () => {
    const rules = new AccessRules([`allow user alice domain:start on ${"*".repeat(500)}b`]);
    assert.equal(allowed(rules, alice, "domain:start", "a".repeat(100_000)), false);
  });

  for (const [text, message] of [
    ["", /^a rule is: allow\|deny WHO PERMISSION/],
    ["allow", /^a rule is/],
    ["permit user alice *", /^a rule is/],
    ["allow alice *", /^a rule is/],
    ["allow user alice", /^a rule is/],
    ["allow user alice * on", /^a rule is/],
    ["allow user alice * in web", /^a rule is/],
    ["allow user alice * on web and more", /^a rule is/],
    ["allow user alice start", /^"start" is no permission: they are written domain:start/],
    ["allow group no-such-group *", /^no group named no-such-group/],
  ] as const) {
    test(`"${text}" is none`, () => {
      assert.match(faultOfRule(text) ?? "", message);
      assert.throws(() => new AccessRules([text]), RangeError);
    });
  }
});
