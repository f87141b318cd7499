import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { runVerbOn } from "../../../src/cli/verbs/run-verb.ts";
import { Connection } from "../../../src/client/index.ts";
import { embeddedConnector } from "../../../src/open/embed.ts";
import { open, parseUri } from "../../../src/open/index.ts";

const screens = "<graphics type='vnc' port='5901' listen='0.0.0.0'/><graphics type='spice' port='5905' listen='::'/>";
const definition = `<domain type='test'><name>seen</name><memory>65536</memory><os><type>hvm</type></os><devices>${screens}</devices></domain>`;

/** As if the simulator had been reached by `uri`. */
async function reachedBy(uri: string): Promise<Connection> {
  return Connection.open({ ...(await embeddedConnector(parseUri("test:///default"))), uri });
}

async function say(connection: Connection, ...words: [string, ...string[]]): Promise<string> {
  let out = "";
  const [name, ...args] = words;
  await runVerbOn(connection, name, args, { out: (text) => void (out += text), error: assert.fail });
  return out.trimEnd();
}

suite("what listens everywhere", () => {
  for (const [uri, host] of [
    ["test+ext://remotehost/default?command=/bin/nc", "remotehost"],
    ["test+tls://[::1]:77/default", "[::1]"],
    ["test+unix:///default?socket=/nowhere", "localhost"],
  ] as const) {
    test(`is seen at ${host} by whoever has come by ${uri}`, async () => {
      await using connection = await reachedBy(uri);
      await connection.domainCreateXml(definition);
      assert.equal(await say(connection, "domdisplay", "seen", "--all"), `vnc://${host}:1\nspice://${host}:5905`);
      assert.equal(await say(connection, "uri"), uri);
    });
  }
});

test("the URI of a connection is what it was opened by, with libvirt's slashes", async () => {
  for (const [uri, written] of [
    ["test:/default", "test:///default"],
    ["test+ssh://[::1]:77/default?command=a:b", "test+ssh://[::1]:77/default?command=a:b"],
  ] as const) {
    await using connection = await open(uri, { embed: true });
    assert.equal(connection.uri, written);
  }
});
