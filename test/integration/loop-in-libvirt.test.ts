import assert from "node:assert/strict";
import { suite, test } from "node:test";
import koffi, { type LibraryHandle } from "koffi";
import { asEventImpl, type EventImpl } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { loadLibvirt } from "./libvirt-so.ts";

const libvirt = loadLibvirt();
type Pointer = bigint | null;

/** Hands our loop to libvirt.so: the six functions of virEventRegisterImpl, in C's calling convention. */
function register(library: LibraryHandle, impl: EventImpl): void {
  const add = koffi.pointer(koffi.proto("int vw_add_handle(int fd, int events, void *cb, void *opaque, void *ff)"));
  const update = koffi.pointer(koffi.proto("void vw_update(int id, int value)"));
  const remove = koffi.pointer(koffi.proto("int vw_remove(int id)"));
  const addTimer = koffi.pointer(koffi.proto("int vw_add_timeout(int ms, void *cb, void *opaque, void *ff)"));
  const release = (ff: Pointer, opaque: Pointer) => (): void => {
    if (ff !== null) koffi.call(ff, koffi.proto("void vw_ff(void *opaque)"), opaque);
  };
  const handle = koffi.proto("void vw_hc(int watch, int fd, int events, void *opaque)");
  const timer = koffi.proto("void vw_tc(int timer, void *opaque)");
  const addHandle = (fd: number, events: number, cb: bigint, opaque: Pointer, ff: Pointer): number =>
    impl.addHandle(
      fd,
      events,
      (id, ready, bits) => koffi.call(cb, handle, id, ready, bits, opaque),
      release(ff, opaque),
    );
  const addTimeout = (ms: number, cb: bigint, opaque: Pointer, ff: Pointer): number =>
    impl.addTimeout(ms, (id) => koffi.call(cb, timer, id, opaque), release(ff, opaque));
  // SAFETY: libvirt keeps the six for the life of the process and calls them on this thread; koffi.register keeps them too.
  library.func("void virEventRegisterImpl(void *ah, void *uh, void *rh, void *at, void *ut, void *rt)")(
    koffi.register(addHandle, add),
    koffi.register((id: number, events: number) => impl.updateHandle(id, events), update),
    koffi.register((id: number) => (impl.removeHandle(id) ? 0 : -1), remove),
    koffi.register(addTimeout, addTimer),
    koffi.register((id: number, ms: number) => impl.updateTimeout(id, ms), update),
    koffi.register((id: number) => (impl.removeTimeout(id) ? 0 : -1), remove),
  );
}

suite("our loop, handed to libvirt.so", () => {
  test("libvirt's own test driver delivers its events from it", {
    skip: typeof libvirt === "string" && libvirt,
  }, async () => {
    assert.ok(typeof libvirt !== "string");
    await using loop = openLoop();
    register(libvirt, asEventImpl(loop));
    assert.equal(libvirt.func("int virInitialize()")(), 0);
    const connection: bigint = libvirt.func("void *virConnectOpen(const char *uri)")("test:///default");
    const domain: bigint = libvirt.func("void *virDomainLookupByName(void *c, const char *name)")(connection, "test");

    const events: string[] = [];
    const heard = Promise.withResolvers<void>();
    const onEvent = koffi.register(
      (_connection: bigint, _domain: bigint, event: number, detail: number) => {
        events.push(`${event}/${detail}`);
        if (events.length === 2) heard.resolve();
        return 0;
      },
      koffi.pointer(koffi.proto("int vw_event(void *conn, void *dom, int event, int detail, void *opaque)")),
    );
    const subscribe =
      "int virConnectDomainEventRegisterAny(void *c, void *dom, int id, void *cb, void *opaque, void *ff)";
    const id: number = libvirt.func(subscribe)(connection, null, 0, onEvent, null, null);
    assert.ok(id >= 0);

    assert.equal(libvirt.func("int virDomainSuspend(void *d)")(domain), 0);
    assert.equal(libvirt.func("int virDomainResume(void *d)")(domain), 0);
    assert.deepEqual(events, [], "events come from a turn of the loop, never from inside the call");
    await heard.promise;
    assert.deepEqual(events, ["3/0", "4/0"], "SUSPENDED by the user, RESUMED from it");

    assert.equal(libvirt.func("int virConnectDomainEventDeregisterAny(void *c, int id)")(connection, id), 0);
    assert.equal(libvirt.func("int virDomainFree(void *d)")(domain), 0);
    assert.equal(libvirt.func("int virConnectClose(void *c)")(connection), 0);
  });
});
