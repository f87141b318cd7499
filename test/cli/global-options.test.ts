import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { splitCommandLine } from "../../src/cli/global-options.ts";
import { UsageError } from "../../src/cli/usage-error.ts";

const globalOf = (...argv: string[]): readonly string[] => splitCommandLine(argv).global;

suite("the options before a command", () => {
  test("are written as with virsh: short, long, together, with their values behind them", () => {
    const uri = "test:///default";
    for (const way of [["-c", uri], [`-c${uri}`], ["--connect", uri], [`--connect=${uri}`]])
      assert.deepEqual(globalOf(...way, "list", "-r"), [`--connect=${uri}`]);
    assert.deepEqual(globalOf("-qtr", "list"), ["--quiet", "--timing", "--readonly"]);
    assert.deepEqual(globalOf("-qc", uri, "list"), ["--quiet", `--connect=${uri}`]);
    assert.deepEqual(globalOf("-k", "7", "-K3", "list"), ["--keepalive-interval=7", "--keepalive-count=3"]);
    const { name, args } = splitCommandLine(["-q", "--", "list", "--all", "-c", "x"]);
    assert.deepEqual([name, args], ["list", ["--all", "-c", "x"]]);
  });

  test("may come twice: the last counts", () => {
    assert.deepEqual(globalOf("-q", "-c", "a", "-q", "-c", "b"), ["--quiet", "--connect=b"]);
  });

  test("ask for help and versions", () => {
    const asked = (...argv: string[]) => splitCommandLine(argv).asked;
    assert.deepEqual([asked("-h"), asked("--help", "list")], ["help", "help"]);
    assert.deepEqual([asked("-v"), asked("--version"), asked("--version=short")], ["version", "version", "version"]);
    assert.deepEqual(
      [asked("-V"), asked("--version=long"), asked("list")],
      ["long-version", "long-version", undefined],
    );
  });

  test("that are none, lack their value, or have one that cannot be meant, are refused", () => {
    for (const [argv, message] of [
      [["-z", "list"], "unsupported option '-z'. See --help."],
      [["--frob"], "unsupported option '--frob'. See --help."],
      [["--quiet=1"], "unsupported option '--quiet=1'. See --help."],
      [["--version=odd"], "unsupported option '--version=odd'. See --help."],
      [["-qc"], "option -c needs a value: the hypervisor's URI"],
      [["--connect"], "option --connect needs a value: the hypervisor's URI"],
      [["-k", "x"], "option -k takes a number of seconds, not 'x'"],
      [["-k", "9999999"], "option -k takes a number of seconds, not '9999999'"],
      [["-d", "-1"], "option -d takes a number, not '-1'"],
    ] as const)
      assert.throws(() => splitCommandLine(argv), new UsageError(message));
  });
});
