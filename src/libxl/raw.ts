import koffi from "koffi";
import type { LibraryVersion } from "./versions.ts";

/** An address in the C library's world. */
export type Pointer = bigint;

koffi.struct("xl_timeval", { tv_sec: "int64_t", tv_usec: "int64_t" });

const libc = koffi.load(null);

/*
 * Unless a line says otherwise these hold for every function here. It is called on the context's thread only, never with
 * koffi's `.async` (a worker would hold the context's lock and wait for this thread, in a hook, while this thread waits
 * for the lock). Every call of libxl may call our hooks before it returns, synchronously on this thread, and those never
 * call libxl's occurred_* functions. Pointers lead to memory that C allocated, which outlives the call: our own stays
 * where it is until `free`. Texts that go in are copied by koffi for the time of the call; those declared `str!` are the
 * caller's, and koffi frees them with the same C library that allocated them.
 */

// SAFETY: zeroed memory that is ours until `free`, once. Calls nothing back.
export const calloc: (count: number, size: number) => Pointer = libc.func("void *calloc(size_t count, size_t size)");

// SAFETY: only what `calloc` gave, once, when libxl has done with it.
export const free: (memory: Pointer) => void = libc.func("void free(void *memory)");

// SAFETY: `bytes` has room for `length`, `memory` holds as much. Calls nothing back.
const memcpy: (bytes: Uint8Array, memory: Pointer, length: number) => unknown = libc.func(
  "void *memcpy(void *bytes, const void *memory, size_t length)",
);

// SAFETY: `ends` is room for two ints; both descriptors are the caller's.
export const pipe2: (ends: Int32Array, flags: number) => number = libc.func("int pipe2(void *ends, int flags)");

// SAFETY: only numbers go in; the third argument is an int for the one command used here, and a long carries it.
export const fcntl: (fd: number, command: number, argument: number) => number = libc.func(
  "int fcntl(int fd, int command, long argument)",
);

// SAFETY: on success the stream owns `fd`.
export const fdopen: (fd: number, mode: string) => Pointer | null = libc.func("void *fdopen(int fd, const char *mode)");

// SAFETY: once, when the logger that writes to the stream is destroyed. Closes its descriptor.
export const fclose: (stream: Pointer) => number = libc.func("int fclose(void *stream)");

/** A copy of `length` bytes of C's memory. */
export function copyOf(memory: Pointer, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  memcpy(bytes, memory, length);
  return bytes;
}

export function readPointer(memory: Pointer, offset = 0): Pointer {
  return BigInt(koffi.decode(memory, offset, "uint64_t"));
}

export function readInt(memory: Pointer, offset = 0): number {
  return koffi.decode(memory, offset, "int32_t");
}

/** The text that the `char *` at `offset` leads to. */
export function readText(memory: Pointer, offset: number): string {
  return koffi.decode(memory, offset, "str") ?? "";
}

export function writePointer(memory: Pointer, offset: number, value: Pointer | number): void {
  koffi.encode(memory, offset, "uint64_t", BigInt(value));
}

export function writeInt(memory: Pointer, offset: number, value: number): void {
  koffi.encode(memory, offset, "int32_t", value);
}

export function writeByte(memory: Pointer, offset: number, value: number): void {
  koffi.encode(memory, offset, "uint8_t", value);
}

/** Functions of ours that C calls; `koffi.register` makes one of each, for the life of the thread. */
export const prototypes = {
  fdRegister: koffi.proto("int xl_fd_register(void *user, int fd, void *out, short events, void *for_libxl)"),
  fdModify: koffi.proto("int xl_fd_modify(void *user, int fd, void *update, short events)"),
  fdDeregister: koffi.proto("void xl_fd_deregister(void *user, int fd, uint64_t for_app)"),
  timeoutRegister: koffi.proto("int xl_timeout_register(void *user, void *out, xl_timeval at, void *for_libxl)"),
  timeoutModify: koffi.proto("int xl_timeout_modify(void *user, void *update, xl_timeval at)"),
  timeoutDeregister: koffi.proto("void xl_timeout_deregister(void *user, uint64_t for_app)"),
  eventOccurs: koffi.proto("void xl_event_occurs(void *user, void *event)"),
  disaster: koffi.proto("void xl_disaster(void *user, int type, const char *message, int errnoval)"),
  ended: koffi.proto("void xl_ended(void *context, int rc, void *for_callback)"),
  progressed: koffi.proto("void xl_progressed(void *context, void *event, void *for_callback)"),
};

export type RawLibrary = ReturnType<typeof bind>;

/** Of libxl_trigger. */
const powerTrigger = 1;

/** Throws koffi's error when the library, or a function of it, is not there. */
export function bind({ soname }: LibraryVersion) {
  const toollog = koffi.load("libxentoollog.so.1");
  const xl = koffi.load(soname);
  type Call<A extends unknown[], R = number> = (context: Pointer, ...rest: A) => R;

  // SAFETY: the logger keeps `stream`, which outlives it, and does not close it. Ours until `logger_destroy`.
  const createLogger: (stream: Pointer, level: number, flags: number) => Pointer | null = toollog.func(
    "void *xtl_createlogger_stdiostream(void *stream, int level, uint flags)",
  );
  // SAFETY: once, after the context that uses it is freed.
  const destroyLogger: (logger: Pointer) => void = toollog.func("void xtl_logger_destroy(void *logger)");

  // SAFETY: the context keeps `logger`, and is ours until `freeContext`. No hooks are registered yet.
  const allocContext: (out: [Pointer | null], version: number, flags: number, logger: Pointer) => number = xl.func(
    "int libxl_ctx_alloc(_Out_ void **out, int version, uint flags, void *logger)",
  );
  // SAFETY: once, with no operation, timeout or call out; it calls fd_deregister, and nothing of ours afterwards.
  const freeContext: (context: Pointer) => number = xl.func("int libxl_ctx_free(void *context)");
  // SAFETY: once for each context, before anything is registered; `hooks` stays until the context is freed.
  const registerHooks: Call<[Pointer, Pointer], void> = xl.func(
    "void libxl_osevent_register_hooks(void *context, void *hooks, void *user)",
  );
  // SAFETY: as registerHooks; no event is enabled yet.
  const registerCallbacks: Call<[Pointer, Pointer], void> = xl.func(
    "void libxl_event_register_callbacks(void *context, void *hooks, void *user)",
  );
  // SAFETY: as registerHooks; there are no children yet.
  const setChildMode: Call<[Pointer, Pointer], void> = xl.func(
    "void libxl_childproc_setmode(void *context, void *hooks, void *user)",
  );
  // SAFETY: never from inside a hook; reaps children of libxl's alone, by their pids.
  const childOccurred: Call<[], void> = xl.func("void libxl_childproc_sigchld_occurred(void *context)");
  // SAFETY: never from inside a hook; `forLibrary` is libxl's own and need not be registered any more.
  const occurredFd: Call<[Pointer, number, number, number], void> = xl.func(
    "void libxl_osevent_occurred_fd(void *context, void *for_libxl, int fd, short events, short revents)",
  );
  // SAFETY: never from inside a hook, and exactly once for each registration: it frees what `forLibrary` leads to.
  const occurredTimeout: Call<[Pointer], void> = xl.func(
    "void libxl_osevent_occurred_timeout(void *context, void *for_libxl)",
  );

  // SAFETY: the struct is the context's, and so are its texts: they are read and copied.
  const versionInfo: Call<[], Pointer | null> = xl.func("void *libxl_get_version_info(void *context)");
  // SAFETY: the array is the caller's until freeDomains with the same count.
  const listDomains: Call<[[number]], Pointer | null> = xl.func(
    "void *libxl_list_domain(void *context, _Out_ int *count)",
  );
  const freeDomains: (list: Pointer, count: number) => void = xl.func(
    "void libxl_dominfo_list_free(void *list, int count)",
  );
  // SAFETY: `info` has room for a libxl_dominfo and was initialised; disposing of it leaves the room itself ours.
  const domainInfo: Call<[Pointer, number]> = xl.func(
    "int libxl_domain_info(void *context, void *info, uint32_t domid)",
  );
  const initInfo: (info: Pointer) => void = xl.func("void libxl_dominfo_init(void *info)");
  const disposeInfo: (info: Pointer) => void = xl.func("void libxl_dominfo_dispose(void *info)");
  const domainName: Call<[number], string | null> = xl.func("str! libxl_domid_to_name(void *context, uint32_t domid)");
  const consolePath: Call<[number, [string | null]]> = xl.func(
    "int libxl_primary_console_get_tty(void *context, uint32_t domid, _Out_ str! *path)",
  );
  // SAFETY: the array is the caller's until freeVcpus with the same count; each has bitmaps of its own, which go with it.
  const listVcpus: Call<[number, [number], [number]], Pointer | null> = xl.func(
    "void *libxl_list_vcpu(void *context, uint32_t domid, _Out_ int *count, _Out_ int *cpus)",
  );
  const freeVcpus: (list: Pointer, count: number) => void = xl.func(
    "void libxl_vcpuinfo_list_free(void *list, int count)",
  );
  // SAFETY: the bitmaps are read, and stay the caller's; without the second the CPUs that are preferred stay as they are.
  const pinVcpu: Call<[number, number, Pointer, Pointer | null]> = xl.func(
    "int libxl_set_vcpuaffinity(void *context, uint32_t domid, uint32_t vcpu, void *hard, void *soft)",
  );
  const setMemoryTarget: Call<[number, number, number, number]> = xl.func(
    "int libxl_set_memory_target(void *context, uint32_t domid, int64_t kib, int relative, int enforce)",
  );
  // SAFETY: only a number comes back.
  const memoryTarget: Call<[number, [number | bigint]]> = xl.func(
    "int libxl_get_memory_target(void *context, uint32_t domid, _Out_ uint64_t *kib)",
  );
  // SAFETY: `config` is the caller's; libxl puts its defaults in, which go when it is disposed of. Of the three functions that
  // the header's macros choose from this is the one of 4.13 and later; its number is for messages.
  const neededMemory: Call<[Pointer, number, [number | bigint]]> = xl.func(
    "int libxl_domain_need_memory(void *context, void *config, uint32_t domid, _Out_ uint64_t *kib)",
  );

  // SAFETY: `info` has room for a libxl_physinfo; disposing of it leaves the room itself ours.
  const initPhysical: (info: Pointer) => void = xl.func("void libxl_physinfo_init(void *info)");
  const physical: Call<[Pointer]> = xl.func("int libxl_get_physinfo(void *context, void *info)");
  const printPhysical: Call<[Pointer], string | null> = xl.func(
    "str! libxl_physinfo_to_json(void *context, void *info)",
  );
  const disposePhysical: (info: Pointer) => void = xl.func("void libxl_physinfo_dispose(void *info)");
  // SAFETY: the arrays are the caller's until they are freed with the same count.
  const listNodes: Call<[[number]], Pointer | null> = xl.func(
    "void *libxl_get_numainfo(void *context, _Out_ int *count)",
  );
  const freeNodes: (list: Pointer, count: number) => void = xl.func(
    "void libxl_numainfo_list_free(void *list, int count)",
  );
  const listCpus: Call<[[number]], Pointer | null> = xl.func(
    "void *libxl_get_cpu_topology(void *context, _Out_ int *count)",
  );
  const freeCpus: (list: Pointer, count: number) => void = xl.func(
    "void libxl_cputopology_list_free(void *list, int count)",
  );
  // SAFETY: a number comes back.
  const scheduler: Call<[]> = xl.func("int libxl_get_scheduler(void *context)");
  // SAFETY: `params` has room for a libxl_domain_sched_params, which leads to nothing of its own.
  const initSchedule: (params: Pointer) => void = xl.func("void libxl_domain_sched_params_init(void *params)");
  const schedule: Call<[number, Pointer]> = xl.func(
    "int libxl_domain_sched_params_get(void *context, uint32_t domid, void *params)",
  );
  const setSchedule: Call<[number, Pointer]> = xl.func(
    "int libxl_domain_sched_params_set(void *context, uint32_t domid, void *params)",
  );
  const printSchedule: Call<[Pointer], string | null> = xl.func(
    "str! libxl_domain_sched_params_to_json(void *context, void *params)",
  );
  const parseSchedule: Call<[Pointer, string]> = xl.func(
    "int libxl_domain_sched_params_from_json(void *context, void *params, const char *json)",
  );

  // SAFETY: `config` has room for a libxl_domain_config; what the JSON becomes is freed by disposing of it.
  const initConfig: (config: Pointer) => void = xl.func("void libxl_domain_config_init(void *config)");
  const disposeConfig: (config: Pointer) => void = xl.func("void libxl_domain_config_dispose(void *config)");
  const parseConfig: Call<[Pointer, string]> = xl.func(
    "int libxl_domain_config_from_json(void *context, void *config, const char *json)",
  );
  const printConfig: Call<[Pointer], string | null> = xl.func(
    "str! libxl_domain_config_to_json(void *context, void *config)",
  );

  // SAFETY, for what takes a `how`: that is copied, everything else stays until the operation's callback was called.
  const createNew: Call<[Pointer, Pointer, Pointer, Pointer]> = xl.func(
    "int libxl_domain_create_new(void *context, void *config, void *domid, void *how, void *console_how)",
  );
  const createRestore: Call<[Pointer, Pointer, number, number, Pointer, Pointer, Pointer]> = xl.func(
    "int libxl_domain_create_restore(void *context, void *config, void *domid, int fd, int send_back_fd, void *params, void *how, void *console_how)",
  );
  const initRestore: (params: Pointer) => void = xl.func("void libxl_domain_restore_params_init(void *params)");
  const disposeRestore: (params: Pointer) => void = xl.func("void libxl_domain_restore_params_dispose(void *params)");
  const suspend: Call<[number, number, number, Pointer]> = xl.func(
    "int libxl_domain_suspend(void *context, uint32_t domid, int fd, int flags, void *how)",
  );
  // SAFETY: the file's name is the one text that outlives its call, so it is a pointer.
  const coreDump: Call<[number, Pointer, Pointer]> = xl.func(
    "int libxl_domain_core_dump(void *context, uint32_t domid, void *path, void *how)",
  );
  const retrieveConfig: Call<[number, Pointer, Pointer]> = xl.func(
    "int libxl_retrieve_domain_configuration(void *context, uint32_t domid, void *config, void *how)",
  );
  // SAFETY: `map` has room for a libxl_bitmap; what it leads to is freed by disposing of it.
  const initBitmap: (map: Pointer) => void = xl.func("void libxl_bitmap_init(void *map)");
  const allocBitmap: Call<[Pointer, number]> = xl.func("int libxl_bitmap_alloc(void *context, void *map, int bits)");
  const setBit: (map: Pointer, bit: number) => void = xl.func("void libxl_bitmap_set(void *map, int bit)");
  const disposeBitmap: (map: Pointer) => void = xl.func("void libxl_bitmap_dispose(void *map)");
  const setVcpus: Call<[number, Pointer, Pointer]> = xl.func(
    "int libxl_set_vcpuonline(void *context, uint32_t domid, void *map, void *how)",
  );
  const plain = (name: string): Call<[number, Pointer]> =>
    xl.func(`int libxl_domain_${name}(void *context, uint32_t domid, void *how)`);
  const resumeAs: Call<[number, number, Pointer]> = xl.func(
    "int libxl_domain_resume(void *context, uint32_t domid, int suspend_cancel, void *how)",
  );
  // The guest hears that its suspending was cancelled. libxl refuses one that is not suspended.
  const resume: Call<[number, Pointer]> = (context, domid, how) => resumeAs(context, domid, 1, how);
  const sendTrigger: Call<[number, number, number, Pointer]> = xl.func(
    "int libxl_send_trigger(void *context, uint32_t domid, int trigger, uint32_t vcpu, void *how)",
  );
  const pressPowerButton: Call<[number, Pointer]> = (context, domid, how) =>
    sendTrigger(context, domid, powerTrigger, 0, how);
  // SAFETY: `device` has room for the struct of its kind; what it leads to is freed by disposing of it. `find` fills it in
  // from what the domain has now.
  const device = (kind: "disk" | "nic", find: string) => {
    const name = `libxl_device_${kind}`;
    return {
      init: xl.func(`void ${name}_init(void *device)`) as (device: Pointer) => void,
      dispose: xl.func(`void ${name}_dispose(void *device)`) as (device: Pointer) => void,
      parse: xl.func(`int ${name}_from_json(void *context, void *device, const char *json)`) as Call<[Pointer, string]>,
      find: xl.func(`int ${find}(void *context, uint32_t domid, const char *name, void *device)`) as Call<
        [number, string, Pointer]
      >,
      add: xl.func(`int ${name}_add(void *context, uint32_t domid, void *device, void *how)`) as Call<
        [number, Pointer, Pointer]
      >,
      remove: xl.func(`int ${name}_remove(void *context, uint32_t domid, void *device, void *how)`) as Call<
        [number, Pointer, Pointer]
      >,
    };
  };
  // SAFETY: finds the operation by the contents of `how`; its callback is called later, or never if it ended before.
  const abort: Call<[Pointer]> = xl.func("int libxl_ao_abort(void *context, void *how)");

  // SAFETY: the generator is libxl's, until it is disabled (once) or the context is freed.
  const enableDeath: Call<[number, number, [Pointer | null]]> = xl.func(
    "int libxl_evenable_domain_death(void *context, uint32_t domid, uint64_t user, _Out_ void **generator)",
  );
  const disableDeath: Call<[Pointer], void> = xl.func(
    "void libxl_evdisable_domain_death(void *context, void *generator)",
  );
  const enableEject: Call<[number, string, number, [Pointer | null]]> = xl.func(
    "int libxl_evenable_disk_eject(void *context, uint32_t domid, const char *vdev, uint64_t user, _Out_ void **generator)",
  );
  const disableEject: Call<[Pointer], void> = xl.func(
    "void libxl_evdisable_disk_eject(void *context, void *generator)",
  );
  // SAFETY: an event that the library gave us, once; permitted inside the callback that brought it.
  const freeEvent: Call<[Pointer], void> = xl.func("void libxl_event_free(void *context, void *event)");

  return {
    createLogger,
    destroyLogger,
    allocContext,
    freeContext,
    registerHooks,
    registerCallbacks,
    setChildMode,
    childOccurred,
    occurredFd,
    occurredTimeout,
    versionInfo,
    listDomains,
    freeDomains,
    domainInfo,
    initInfo,
    disposeInfo,
    domainName,
    consolePath,
    listVcpus,
    freeVcpus,
    pinVcpu,
    setMemoryTarget,
    memoryTarget,
    neededMemory,
    initPhysical,
    physical,
    printPhysical,
    disposePhysical,
    listNodes,
    freeNodes,
    listCpus,
    freeCpus,
    scheduler,
    initSchedule,
    schedule,
    setSchedule,
    printSchedule,
    parseSchedule,
    initConfig,
    disposeConfig,
    parseConfig,
    printConfig,
    createNew,
    createRestore,
    initRestore,
    disposeRestore,
    suspend,
    coreDump,
    retrieveConfig,
    initBitmap,
    allocBitmap,
    setBit,
    disposeBitmap,
    setVcpus,
    abort,
    enableDeath,
    disableDeath,
    enableEject,
    disableEject,
    freeEvent,
    devices: {
      disk: device("disk", "libxl_vdev_to_device_disk"),
      nic: device("nic", "libxl_mac_to_device_nic"),
    },
    plain: {
      pause: plain("pause"),
      unpause: plain("unpause"),
      resume,
      shutdown: plain("shutdown"),
      pressPowerButton,
      reboot: plain("reboot"),
      destroy: plain("destroy"),
    },
  };
}
