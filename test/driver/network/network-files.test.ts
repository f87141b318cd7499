import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { contains, countAddresses, subnetOf } from "../../../src/driver/network/address.ts";
import { dnsmasqConfig, needsDnsmasq } from "../../../src/driver/network/dnsmasq-config.ts";
import { rulesOf } from "../../../src/driver/network/firewall.ts";
import { parseLeases } from "../../../src/driver/network/leases.ts";
import { parseNetwork } from "../../../src/driver/network/network-definition.ts";
import { type NetworkPlan, planOf } from "../../../src/driver/network/network-plan.ts";

const files = { config: "/run/c", pid: "/run/p", leases: "/var/l" };

function plan(inner: string): NetworkPlan {
  const own = "<bridge name='virbr5'/><mac address='52:54:00:00:00:07'/>";
  return planOf(parseNetwork(`<network><name>n</name>${own}${inner}</network>`));
}

function config(inner: string): string[] {
  return dnsmasqConfig(plan(inner), files).split("\n").slice(1, -1);
}

const head = ["strict-order", "pid-file=/run/p", "except-interface=lo", "bind-dynamic", "interface=virbr5"];

describe("what dnsmasq is told", () => {
  it("of an isolated network: no way out", () => {
    const dhcp = "<dhcp><range start='10.7.1.10' end='10.7.1.20'><lease expiry='2' unit='hours'/></range></dhcp>";
    assert.deepEqual(config(`<ip address='10.7.1.1' netmask='255.255.255.0'>${dhcp}</ip>`), [
      ...head,
      "dhcp-option=3",
      "no-resolv",
      "ra-param=*,0,0",
      "dhcp-range=10.7.1.10,10.7.1.20,255.255.255.0,2h",
      "dhcp-no-override",
      "dhcp-authoritative",
      "dhcp-lease-max=11",
      "dhcp-leasefile=/var/l",
    ]);
  });

  it("of a network with names, fixed addresses and IPv6", () => {
    const hosts = "<host mac='52:54:00:11:22:33' name='h1' ip='10.7.2.15'/>";
    const lines = config(`
      <forward mode='route'/>
      <domain name='lab.test' localOnly='yes'/>
      <dns forwardPlainNames='no'>
        <forwarder domain='corp' addr='10.0.0.53'/>
        <txt name='t' value='some words'/>
        <host ip='10.7.2.99'><hostname>one</hostname><hostname>two</hostname></host>
        <srv service='ldap' protocol='tcp' domain='lab.test' target='one' port='389'/>
      </dns>
      <ip address='10.7.2.1' prefix='24'><dhcp>${hosts}</dhcp></ip>
      <ip family='ipv6' address='fd00:7::1' prefix='64'><dhcp><range start='fd00:7::10' end='fd00:7::1f'/></dhcp></ip>
    `);
    assert.deepEqual(lines, [
      ...head,
      "domain-needed",
      "local=/lab.test/",
      "domain=lab.test",
      "expand-hosts",
      "no-resolv",
      "server=/corp/10.0.0.53",
      "host-record=one.lab.test,one,two.lab.test,two,10.7.2.99",
      "txt-record=t,some words",
      "srv-host=_ldap._tcp.lab.test,one,389",
      "dhcp-range=10.7.2.0,static",
      "dhcp-host=52:54:00:11:22:33,h1,10.7.2.15",
      "dhcp-range=fd00:7::10,fd00:7::1f,64",
      "dhcp-no-override",
      "dhcp-authoritative",
      "dhcp-lease-max=17",
      "dhcp-leasefile=/var/l",
      "enable-ra",
    ]);
  });

  it("nothing, where there is nobody to answer", () => {
    assert.equal(needsDnsmasq(plan("")), false);
    assert.equal(needsDnsmasq(plan("<dns enable='no'/><ip address='10.7.1.1' prefix='24'/>")), false);
    assert.deepEqual(config("<dns enable='no'/><ip address='10.7.1.1' prefix='24'/>").slice(5, 6), ["port=0"]);
  });
});

describe("what nftables is told", () => {
  const lines = (inner: string): string[] =>
    (rulesOf(plan(inner)) ?? "")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => !/^$|^}|^chain|policy/.test(line));
  const closed = ['oifname "virbr5" reject', 'iifname "virbr5" reject'];
  const inside = 'iifname "virbr5" oifname "virbr5" accept';

  it("of an isolated network: its guests reach each other alone", () => {
    assert.deepEqual(lines("<ip address='10.7.1.1' prefix='24'/>"), [inside, ...closed]);
  });

  it("of a network with NAT: answers come back, and addresses are translated", () => {
    assert.deepEqual(lines("<forward dev='eth0'/><ip address='10.7.1.1' prefix='24'/>"), [
      inside,
      'iifname "eth0" oifname "virbr5" ip daddr 10.7.1.0/24 ct state { established, related } accept',
      'iifname "virbr5" oifname "eth0" ip saddr 10.7.1.0/24 accept',
      ...closed,
      'oifname "eth0" ip saddr 10.7.1.0/24 ip daddr { 224.0.0.0/24, 255.255.255.255 } return',
      'oifname "eth0" ip saddr 10.7.1.0/24 ip daddr != 10.7.1.0/24 meta l4proto { tcp, udp } masquerade to :1024-65535',
      'oifname "eth0" ip saddr 10.7.1.0/24 ip daddr != 10.7.1.0/24 masquerade',
    ]);
  });

  it("of a routed network: both directions", () => {
    assert.deepEqual(lines("<forward mode='route'/><ip family='ipv6' address='fd00::1' prefix='64'/>"), [
      inside,
      'oifname "virbr5" ip6 daddr fd00:0:0:0:0:0:0:0/64 accept',
      'iifname "virbr5" ip6 saddr fd00:0:0:0:0:0:0:0/64 accept',
      ...closed,
    ]);
  });

  it("nothing of an open one", () => {
    assert.equal(rulesOf(plan("<forward mode='open'/><ip address='10.7.1.1' prefix='24'/>")), undefined);
  });
});

describe("addresses", () => {
  it("have the subnet that prefix, netmask or class say", () => {
    assert.equal(subnetOf("10.7.1.9", "20")?.cidr, "10.7.0.0/20");
    assert.equal(subnetOf("10.7.1.9", undefined, "255.255.255.128")?.cidr, "10.7.1.0/25");
    assert.equal(subnetOf("192.168.3.4")?.cidr, "192.168.3.0/24");
    assert.equal(subnetOf("fd00:7:1::9", "40")?.cidr, "fd00:7:0:0:0:0:0:0/40");
    for (const wrong of [
      ["10.7.1.9", "33"],
      ["x"],
      ["10.7.1.9", undefined, "255.0.255.0"],
      ["10.7.1.9", "-1"],
    ] as const) {
      assert.equal(subnetOf(wrong[0], wrong[1], wrong[2]), undefined, String(wrong));
    }
  });

  it("are counted from one to the other", () => {
    assert.equal(countAddresses("10.0.0.250", "10.0.1.5"), 12);
    assert.equal(countAddresses("fd00::f", "fd00::1:0"), 65_522);
    assert.equal(countAddresses("fd00::", "fd00::1:0:0"), 65_535, "as many as are looked at");
    assert.equal(countAddresses("10.0.0.2", "10.0.0.1"), undefined);
  });

  it("are in a subnet of their own family alone", () => {
    const subnet = subnetOf("10.7.1.1", "24");
    assert.ok(subnet !== undefined && contains(subnet, "10.7.1.255") && !contains(subnet, "10.7.2.0"));
    assert.ok(!contains(subnet, "::ffff:10.7.1.2"));
  });
});

describe("leases", () => {
  it("are what dnsmasq has noted, without those that are over", () => {
    const text = [
      "1000 52:54:00:00:00:01 10.7.1.12 guest 01:52:54",
      "0 52:54:00:00:00:02 10.7.1.13 * *",
      "999 52:54:00:00:00:03 10.7.1.14 late *",
      "duid 00:01:00:01",
      "2000 T1234 fd00:7::15 six 00:01",
      "garbage",
      "",
    ].join("\n");
    const six = "<ip family='ipv6' address='fd00:7::1' prefix='64'/>";
    const leases = parseLeases(text, plan(`<ip address='10.7.1.1' prefix='24'/>${six}`), 999);
    const common = { iface: "virbr5" };
    assert.deepEqual(leases, [
      {
        ...common,
        expirytime: 1000n,
        type: 0,
        mac: "52:54:00:00:00:01",
        iaid: null,
        ipaddr: "10.7.1.12",
        prefix: 24,
        hostname: "guest",
        clientid: "01:52:54",
      },
      {
        ...common,
        expirytime: 0n,
        type: 0,
        mac: "52:54:00:00:00:02",
        iaid: null,
        ipaddr: "10.7.1.13",
        prefix: 24,
        hostname: null,
        clientid: null,
      },
      {
        ...common,
        expirytime: 2000n,
        type: 1,
        mac: null,
        iaid: "1234",
        ipaddr: "fd00:7::15",
        prefix: 64,
        hostname: "six",
        clientid: "00:01",
      },
    ]);
  });
});
