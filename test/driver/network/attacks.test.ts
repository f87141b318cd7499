import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dnsmasqConfig } from "../../../src/driver/network/dnsmasq-config.ts";
import { rulesOf } from "../../../src/driver/network/firewall.ts";
import { parseNetwork } from "../../../src/driver/network/network-definition.ts";
import { planOf } from "../../../src/driver/network/network-plan.ts";
import { Taps } from "../../../src/driver/network/taps.ts";
import { FakeMachine } from "./fake-machine.ts";

/** What means something to a shell, to dnsmasq, to nftables, to ip, or to a path. */
const hostile = [
  "-x",
  "--help",
  "a,b",
  "a;b",
  "a b",
  "a&#10;dhcp-script=/bin/sh",
  "a&#9;b",
  "a&quot;b",
  "$(id)",
  "`id`",
  "a|b",
  "a=b",
  "a/b",
  "../a",
  "a}b",
  "a{b",
  "a#b",
  "a\\b",
  "%s",
  "",
];

const ip = (inner = ""): string => `<ip address='10.7.1.1' prefix='24'>${inner}</ip>`;

/** Places in a definition from which a text goes into a file, a rule or an argument; X is the text. */
const places: Readonly<Record<string, string>> = {
  "a bridge": `<bridge name="X"/>`,
  "the device of a way out": `<forward mode='nat' dev="X"/>${ip()}`,
  "a range": ip(`<dhcp><range start="X" end='10.7.1.9'/></dhcp>`),
  "a host's address": ip(`<dhcp><host mac='52:54:00:00:00:01' ip="X"/></dhcp>`),
  "a host's MAC": ip(`<dhcp><host mac="X" ip='10.7.1.9'/></dhcp>`),
  "a host's name": ip(`<dhcp><host name="X" ip='10.7.1.9'/></dhcp>`),
  "a host's id": ip(`<dhcp><host id="X" mac='52:54:00:00:00:01' ip='10.7.1.9'/></dhcp>`),
  "a domain": `<domain name="X"/>${ip()}`,
  "a DNS host": `<dns><host ip='10.7.1.9'><hostname>X</hostname></host></dns>${ip()}`,
  "a DNS address": `<dns><host ip="X"><hostname>h</hostname></host></dns>${ip()}`,
  "a text record's name": `<dns><txt name="X" value='v'/></dns>${ip()}`,
  "a service": `<dns><srv service="X" protocol='tcp'/></dns>${ip()}`,
  "a service's target": `<dns><srv service='s' protocol='tcp' target="X"/></dns>${ip()}`,
  "a forwarder": `<dns><forwarder addr="X"/></dns>${ip()}`,
  "a forwarder's domain": `<dns><forwarder domain="X" addr='10.7.1.9'/></dns>${ip()}`,
  "an address": `<ip address="X" prefix='24'/>`,
  "a netmask": `<ip address='10.7.1.1' netmask="X"/>`,
  "a prefix": `<ip address='10.7.1.1' prefix="X"/>`,
  "a route": `<route address="X" prefix='24' gateway='10.7.1.9'/>${ip()}`,
  "a gateway": `<route address='10.8.0.0' prefix='24' gateway="X"/>${ip()}`,
  "a metric": `<route address='10.8.0.0' prefix='24' gateway='10.7.1.9' metric="X"/>${ip()}`,
  "a port": `<forward mode='nat'><nat><port start="X" end='9'/></nat></forward>${ip()}`,
  "a translated address": `<forward mode='nat'><nat><address start="X" end='1.2.3.4'/></nat></forward>${ip()}`,
  "an MTU": `<mtu size="X"/>${ip()}`,
  "a delay": `<bridge name='b' delay="X"/>${ip()}`,
  "the bridge's MAC": `<mac address="X"/>${ip()}`,
  "a boot file": ip(`<dhcp><bootp file="X"/></dhcp>`),
  "a boot server": ip(`<dhcp><bootp file='f' server="X"/></dhcp>`),
  "the files of TFTP": ip(`<tftp root="X"/>`),
};
/** Where some of these are what they look like. */
const harmless: Readonly<Record<string, readonly string[]>> = {
  "a service": ["-x", "--help"],
  "a service's target": ["-x", "--help"],
  "a boot file": ["-x", "--help", "a=b", "a/b", "../a"],
  "a boot server": ["-x", "--help", "a=b", "a/b", "../a"],
  "the files of TFTP": ["-x", "--help", "a=b", "a/b", "../a"],
};

function xmlOf(inner: string): string {
  const bridge = inner.includes("<bridge") ? "" : "<bridge name='b'/>";
  const mac = inner.includes("<mac ") ? "" : "<mac address='52:54:00:00:00:07'/>";
  return `<network><name>n</name>${bridge}${mac}${inner}</network>`;
}

const files = { config: "/c", pid: "/p", leases: "/l" };

describe("a hostile text in a network", () => {
  for (const [place, inner] of Object.entries(places)) {
    it(`is refused as ${place}, or stays one word of one line`, () => {
      for (const text of hostile) {
        const attempt = (): string => {
          const plan = planOf(parseNetwork(xmlOf(inner.replace("X", text))));
          return dnsmasqConfig(plan, files) + (rulesOf(plan) ?? "");
        };
        if (harmless[place]?.includes(text) !== true) assert.throws(attempt, { name: "VirError" }, `${place}: ${text}`);
        else {
          const lines = attempt().split("\n");
          assert.ok(lines.filter((line) => line.includes(text)).length <= 2 || text === "", `${place}: ${text}`);
        }
      }
    });
  }

  it("does no harm as its name: the name is in no file name, rule or argument", () => {
    for (const name of hostile.filter((text) => !/[/]|^$|&#10;/.test(text))) {
      const plan = planOf(parseNetwork(xmlOf("").replace("<name>n<", `<name>${name}<`)));
      const text = dnsmasqConfig(plan, files) + (rulesOf(plan) ?? "");
      assert.equal(text, dnsmasqConfig(planOf(parseNetwork(xmlOf(""))), files) + (rulesOf(plan) ?? ""));
    }
  });

  it("is no tap device's bridge, address or name", async () => {
    const machine = new FakeMachine();
    const taps = new Taps(machine);
    for (const text of hostile.map((each) => each.replace(/&#?\w+;/, "\n"))) {
      await assert.rejects(taps.open({ bridge: text, mac: "52:54:00:00:00:01" }), { name: "VirError" }, text);
      await assert.rejects(taps.open({ bridge: "b", mac: text }), { name: "VirError" }, text);
      await assert.rejects(taps.open({ bridge: "b", mac: undefined, name: text }), { name: "VirError" }, text);
    }
    assert.deepEqual(machine.commands, []);
    assert.equal(machine.queues.size, 0);
  });
});
