import assert from "node:assert/strict";
import { test } from "node:test";
import { filesOfGuest } from "../../../../src/driver/qemu/security/guest-files.ts";
import { parseXml } from "../../../../src/xml/index.ts";

function files(xml: string): string[] {
  const all = filesOfGuest(parseXml(`<domain>${xml}</domain>`).root);
  return all.map(({ path, isWritten, isMade }) => `${path} ${isWritten ? "rw" : "r"}${isMade === true ? " made" : ""}`);
}

test("a guest has its kernel, its firmware's variables and what its devices open", () => {
  const os =
    "<os><kernel>/k</kernel><initrd>/i</initrd><dtb>/d</dtb><loader>/l</loader><nvram template='/t'>/v</nvram>" +
    "<acpi><table type='slic'>/s</table></acpi></os>";
  const devices =
    "<memory model='nvdimm'><source><path>/nv</path></source></memory>" +
    "<input type='evdev'><source dev='/dev/input/event1'/></input><input type='tablet' bus='usb'/>" +
    "<interface type='user'><source path='/no'/></interface>";
  const expected = ["/k r", "/i r", "/d r", "/s r", "/v rw", "/nv rw", "/dev/input/event1 rw"];
  assert.deepEqual(files(`${os}<devices>${devices}</devices>`), expected);
  assert.deepEqual(files("<os><nvram type='file'><source file='/v'/></nvram></os>"), ["/v rw"]);
  assert.deepEqual(files(""), []);
});

test("a disk writes its own image and what that is copied to, and reads what it stands on", () => {
  const chain =
    "<backingStore type='file'><source file='/b'/><backingStore type='block'><source dev='/dev/c'/>" +
    "<backingStore/></backingStore></backingStore>";
  const of = (inner: string): string[] => files(`<devices><disk>${inner}</disk></devices>`);
  assert.deepEqual(of(`<source file='/a'/>${chain}`), ["/a rw", "/b r", "/dev/c r"]);
  assert.deepEqual(of("<source dev='/dev/a'/><readonly/>"), ["/dev/a r"]);
  assert.deepEqual(of("<source file='/a'/><mirror><source file='/m'/></mirror>"), ["/a rw", "/m rw"]);
  assert.deepEqual(of("<source protocol='nbd' name='/a'/>"), []);
  assert.deepEqual(of("<target dev='hdc'/>"), [], "an empty drive");
  assert.deepEqual(of("<source file='/a'><seclabel relabel='no'/></source>"), []);
});

test("a character device has a file, a device, pipes, or a socket that somebody else serves", () => {
  const of = (type: string, inner: string, name = "serial"): string[] =>
    files(`<devices><${name} type='${type}'>${inner}</${name}></devices>`);
  assert.deepEqual(of("file", "<source path='/f'/><log file='/l'/>"), ["/f rw made", "/l rw made"]);
  assert.deepEqual(of("dev", "<source path='/dev/ttyS0'/>"), ["/dev/ttyS0 rw"]);
  assert.deepEqual(of("pipe", "<source path='/p'/>"), ["/p rw", "/p.in rw", "/p.out rw"]);
  assert.deepEqual(of("unix", "<source mode='connect' path='/s'/>", "channel"), ["/s rw"]);
  assert.deepEqual(of("unix", "<source mode='bind' path='/s'/>", "channel"), []);
  assert.deepEqual(of("pty", "<source path='/dev/pts/1'/><log file='/l'/>", "console"), ["/l rw made"]);
  assert.deepEqual(of("tcp", "<source host='h' service='1'/>"), []);
});
