import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { FileHost, FileStatus } from "../../../../src/driver/qemu/security/file-host.ts";
import type { Owner } from "../../../../src/driver/qemu/security/guest-user.ts";
import { type LoanStore, Loans } from "../../../../src/driver/qemu/security/loans.ts";
import { Definition, type Unreadable } from "../../../../src/model/index.ts";
import { VirError } from "../../../../src/protocol/index.ts";
import { uuid } from "../bench.ts";

const other = uuid.replace("0", "1");
const qemu = { uid: 64055, gid: 64055 };
const joe = { uid: 1000, gid: 1000 };

/** Files by path; two paths may be one file. */
class FakeFiles implements FileHost {
  readonly files = new Map<string, FileStatus>();
  failure: { readonly code: string; readonly errno: number } | undefined;
  /** Before each change of an owner. */
  onGive = (_path: string): void => {};
  #next = 1;

  add(path: string, owner: Owner = joe, mode = 0o600): void {
    this.files.set(path, { device: "1", inode: String(this.#next++), mode, ...owner });
  }

  withFile<T>(path: string, use: Parameters<FileHost["withFile"]>[1]): T | undefined {
    const status = this.files.get(path);
    if (status === undefined) return undefined;
    const giveTo = (owner: Owner): void => {
      this.onGive(path);
      if (this.failure !== undefined) throw Object.assign(new Error("refused"), this.failure);
      for (const [name, file] of this.files)
        if (file.inode === status.inode) this.files.set(name, { ...file, ...owner });
    };
    return use({ status, giveTo }) as T;
  }

  make(path: string): void {
    if (!this.files.has(path)) this.add(path, { uid: 0, gid: 0 });
  }

  ownerOf(path: string): string {
    const file = this.files.get(path);
    return `${file?.uid}:${file?.gid}`;
  }
}

class FakeStore implements LoanStore {
  readonly texts = new Map<string, string>();

  async load<T>(read: (text: string, name: string) => T): Promise<{ records: T[]; unreadable: Unreadable[] }> {
    return { records: [...this.texts].map(([name, text]) => read(text, name)), unreadable: [] };
  }

  async save(name: string, text: string): Promise<void> {
    this.texts.set(name, text);
  }

  async remove(name: string): Promise<void> {
    this.texts.delete(name);
  }
}

function guest(devices: string, id = uuid, label = ""): Definition {
  const head = `<domain type='qemu'><name>x${id[0]}</name><uuid>${id}</uuid><memory>1</memory><os><type>hvm</type></os>`;
  return Definition.parse(`${head}${label}<devices>${devices}</devices></domain>`);
}

let disks = 0;
const disk = (path: string, more = ""): string =>
  `<disk type='file' device='disk'><source file='${path}'/>${more}<target dev='sd${letter(disks++)}'/></disk>`;

function letter(number: number): string {
  return String.fromCharCode(97 + (number % 26));
}

describe("files that are lent to guests", () => {
  let files: FakeFiles;
  let store: FakeStore;
  let reported: unknown[];
  let loans: Loans;

  const open = (boot = "boot", user = qemu): Loans =>
    new Loans({
      policy: { user: { ...user, hasAccount: false }, isPrivileged: true, givesFiles: true },
      files,
      store,
      boot,
      report: (error) => reported.push(error),
    });

  beforeEach(() => {
    files = new FakeFiles();
    store = new FakeStore();
    reported = [];
    loans = open();
  });

  it("belong to QEMU's user as long as the guest is there, and to whom they belonged to again", async () => {
    files.add("/image");
    await loans.lend(guest(disk("/image")));
    assert.equal(files.ownerOf("/image"), "64055:64055");
    loans.takeBack(uuid);
    assert.equal(files.ownerOf("/image"), "1000:1000");
    await loans.settled();
    assert.deepEqual([...store.texts], []);
  });

  it("are written down before they are given", async () => {
    files.add("/image");
    const seen: string[] = [];
    files.onGive = () => seen.push(store.texts.get(uuid) ?? "nothing");
    await loans.lend(guest(disk("/image")));
    assert.match(seen.join(), /"path":"\/image".*"before":\{"uid":1000,"gid":1000\}/);
  });

  it("are given back by the daemon after the one that lent them", async () => {
    files.add("/image");
    await loans.lend(guest(disk("/image")));
    const next = open();
    await next.load();
    assert.deepEqual(next.borrowers, [uuid]);
    next.takeBack(uuid);
    assert.equal(files.ownerOf("/image"), "1000:1000");
    await next.settled();
    assert.deepEqual([...store.texts], []);
  });

  it("are given back although it was written down alone, and not given yet", async () => {
    files.add("/image");
    files.onGive = () => {
      throw Object.assign(new Error("killed here"), { code: "EIO", errno: -5 });
    };
    await assert.rejects(loans.lend(guest(disk("/image"))));
    const next = open();
    await next.load();
    next.takeBack(uuid);
    assert.deepEqual([files.ownerOf("/image"), reported], ["1000:1000", []]);
  });

  it("that are only read, or that anybody may use, stay whose they are", async () => {
    files.add("/base", joe, 0o644);
    files.add("/medium", joe, 0o644);
    files.add("/hidden", joe, 0o600);
    files.add("/top", joe, 0o644);
    files.add("/dev/null", { uid: 0, gid: 0 }, 0o666);
    const store = (path: string): string => `<backingStore type='file'><source file='${path}'/></backingStore>`;
    await loans.lend(
      guest(
        disk("/top", store("/base")) +
          disk("/medium", "<readonly/>") +
          disk("/hidden", "<readonly/>") +
          "<serial type='dev'><source path='/dev/null'/></serial>",
      ),
    );
    const owners = ["/top", "/base", "/medium", "/hidden", "/dev/null"].map((path) => files.ownerOf(path));
    assert.deepEqual(owners, ["64055:64055", "1000:1000", "1000:1000", "64055:64055", "0:0"]);
  });

  it("that several guests have go back with the last one", async () => {
    files.add("/base");
    files.files.set("/link", files.files.get("/base") as FileStatus);
    await loans.lend(guest(disk("/base", "<readonly/>")));
    await loans.lend(guest(disk("/link", "<readonly/>"), other));
    loans.takeBack(uuid);
    assert.equal(files.ownerOf("/base"), "64055:64055");
    loans.takeBack(other);
    assert.equal(files.ownerOf("/base"), "1000:1000");
  });

  it("that guests of two users have go back with the last one, whoever that was", async () => {
    files.add("/shared");
    const label = "<seclabel type='static' model='dac' relabel='yes'><label>+7:+8</label></seclabel>";
    await loans.lend(guest(disk("/shared")));
    await loans.lend(guest(disk("/shared"), other, label));
    assert.equal(files.ownerOf("/shared"), "7:8");
    loans.takeBack(other);
    const next = open();
    await loans.settled();
    await next.load();
    next.takeBack(uuid);
    assert.equal(files.ownerOf("/shared"), "1000:1000");
  });

  it("that a guest needs no more go back while it runs, and the others stay", async () => {
    files.add("/one");
    files.add("/two");
    await loans.lend(guest(disk("/one")));
    await loans.lend(guest(disk("/one")), [{ path: "/two", isWritten: true }]);
    assert.equal(files.ownerOf("/two"), "64055:64055");
    loans.takeBack(uuid, [{ path: "/two", isWritten: true }]);
    assert.deepEqual([files.ownerOf("/one"), files.ownerOf("/two")], ["1000:1000", "64055:64055"]);
    await loans.settled();
    assert.doesNotMatch(store.texts.get(uuid) ?? "", /one/);
  });

  it("that were replaced, removed or given away by somebody else are his affair", async () => {
    for (const path of ["/replaced", "/removed", "/given"]) files.add(path);
    await loans.lend(guest(["/replaced", "/removed", "/given"].map((path) => disk(path)).join("")));
    files.add("/replaced", { uid: 64055, gid: 64055 });
    files.files.delete("/removed");
    files.files.set("/given", { ...(files.files.get("/given") as FileStatus), uid: 7 });
    loans.takeBack(uuid);
    assert.deepEqual([files.ownerOf("/replaced"), files.ownerOf("/given")], ["64055:64055", "7:64055"]);
    assert.deepEqual(reported, []);
  });

  it("are known by their inode alone after the machine has booted", async () => {
    files.add("/image");
    await loans.lend(guest(disk("/image")));
    files.files.set("/image", { ...(files.files.get("/image") as FileStatus), device: "2" });
    for (const [boot, expected] of [
      ["boot", "64055:64055"],
      ["next", "1000:1000"],
    ] as const) {
      const text = store.texts.get(uuid) ?? "";
      const next = open(boot);
      await next.load();
      next.takeBack(uuid);
      assert.equal(files.ownerOf("/image"), expected, boot);
      await next.settled();
      store.texts.set(uuid, text);
    }
  });

  it("that a guest writes into are made where they are missing", async () => {
    await loans.lend(guest("<serial type='file'><source path='/log'/></serial>"));
    assert.equal(files.ownerOf("/log"), "64055:64055");
    loans.takeBack(uuid);
    assert.equal(files.ownerOf("/log"), "0:0");
  });

  it("are left to a file system that has no owners, and an error of another kind keeps a guest from starting", async () => {
    files.add("/image");
    for (const code of ["EPERM", "EROFS", "ENOTSUP"]) {
      files.failure = { code, errno: -1 };
      await loans.lend(guest(disk("/image")));
      loans.takeBack(uuid);
    }
    files.failure = { code: "EIO", errno: -5 };
    await assert.rejects(
      loans.lend(guest(disk("/image"))),
      (error) =>
        error instanceof VirError && /unable to set user and group to '64055:64055' on '\/image'/.test(error.message),
    );
    assert.deepEqual(reported, []);
  });

  it("are reported when they cannot be given back", async () => {
    files.add("/image");
    await loans.lend(guest(disk("/image")));
    files.failure = { code: "EIO", errno: -5 };
    loans.takeBack(uuid);
    assert.match(String(reported), /cannot give '\/image' back: refused/);
  });

  it("are none for root, for a guest whose definition says so, and where the file says so", async () => {
    files.add("/image");
    await open("boot", { uid: 0, gid: 0 }).lend(guest(disk("/image")));
    await loans.lend(guest(disk("/image"), uuid, "<seclabel type='none' model='dac'/>"));
    const own = disk("/image").replace("/><target", "><seclabel model='dac' relabel='no'/></source><target");
    await loans.lend(guest(own));
    assert.deepEqual([files.ownerOf("/image"), store.texts.size], ["1000:1000", 0]);
    const labelled = own.replace("relabel='no'/>", "relabel='yes'><label>+7:+8</label></seclabel>");
    await loans.lend(guest(labelled));
    assert.equal(files.ownerOf("/image"), "7:8");
  });

  it("are not given to a guest that is gone when they are written down", async () => {
    files.add("/image");
    const lent = loans.lend(guest(disk("/image")));
    loans.takeBack(uuid);
    await lent;
    await loans.settled();
    assert.deepEqual([files.ownerOf("/image"), store.texts.size], ["1000:1000", 0]);
  });

  it("of a record that nobody understands stay as they are, which is reported", async () => {
    const unreadable = [{ path: "/loans/x.json", error: new Error("these are no loans") }];
    store.load = async (read) => {
      assert.throws(() => read("{}", uuid), /these are no loans/);
      assert.throws(() => read('{"boot":"b","loans":[{"path":"/x"}]}', uuid), /these are no loans/);
      return { records: [], unreadable };
    };
    await loans.load();
    assert.match(String(reported), /cannot read \/loans\/x\.json, so what it names stays with QEMU's user/);
  });
});
