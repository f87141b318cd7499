import { DeadlineError, type Loop } from "../../event/index.ts";
import { type JsonObject, type Monitor, MonitorClosedError, type MonitorEvent } from "../../qmp/index.ts";

/** A guest's memory in a file. */
export interface MemorySource {
  /** Open for reading, at the beginning of the memory; it stays the owner's. */
  readonly fd: number;
  /** In bytes, of the file. */
  readonly size: number;
  /** The memory is where it belongs, and the guest has not run yet: after this, the source must not be used again. */
  onLoaded(): Promise<void>;
}

const name = "virtwright-memory";
/** QEMU reads without a pause, and answers nobody meanwhile: so much time for so many bytes, and some for the rest. */
const loadMs = { base: 60_000, perByte: 1 / 10_000 };

/**
 * Brings memory into a QEMU that was launched to wait for it. Rejects with what QEMU says, DeadlineError, or what closed
 * the monitor.
 */
export async function loadMemory(monitor: Monitor, { fd, size }: MemorySource, loop: Loop): Promise<void> {
  const timeoutMs = loadMs.base + size * loadMs.perByte;
  const events = monitor.events();
  const late = loop.timeout(loop.now() + timeoutMs, () =>
    events.end(new DeadlineError(`QEMU has not read the guest's memory within ${timeoutMs} ms`)),
  );
  try {
    await monitor.execute("getfd", { fdname: name }, { fds: [fd] });
    await monitor.execute("migrate-incoming", { uri: `fd:${name}` }, { timeoutMs });
    for await (const { name: event, data } of events) {
      if (event !== "MIGRATION") continue;
      if (data["status"] === "completed") return;
      // QEMU ends by itself then, and its last words say why.
      if (data["status"] === "failed") throw new MonitorClosedError("QEMU could not read the guest's memory");
    }
  } finally {
    late.remove();
    events.close();
  }
}

/** What the writing of memory needs of a run. */
export interface MemoryWriter {
  execute(
    command: string,
    args?: JsonObject,
    timeoutMs?: number,
    options?: { readonly fds?: readonly number[] },
  ): Promise<unknown>;
  onMonitorEvent(listener: (event: MonitorEvent) => void): () => void;
}

/** The command that writes, and those that ask about it. */
export interface Writing {
  /** Begins it; the descriptor has this name in QEMU. */
  readonly begin: (writer: MemoryWriter, fdname: string) => Promise<unknown>;
  /** QEMU's event when it is over. */
  readonly event: string;
  readonly query: string;
}

/** As QEMU keeps it for itself: to be read by another QEMU. */
export const asMigration: Writing = {
  begin: async (writer, fdname) => {
    // Nobody else needs the bandwidth, and the guest stands still.
    await writer.execute("migrate-set-parameters", { "max-bandwidth": 2 ** 50 });
    await writer.execute("migrate", { uri: `fd:${fdname}` });
  },
  event: "MIGRATION",
  query: "query-migrate",
};

/** As debuggers read it. */
export function asDump(format: string | undefined): Writing {
  const how = { paging: false, detach: true, ...(format === undefined ? {} : { format }) };
  return {
    begin: (writer, fdname) => writer.execute("dump-guest-memory", { ...how, protocol: `fd:${fdname}` }),
    event: "DUMP_COMPLETED",
    query: "query-dump",
  };
}

/** States of a migration or a dump, after which nothing more happens. */
const over = ["completed", "failed", "cancelled", "none"];

export interface WritingEnd {
  readonly status: string;
  /** QEMU's words about a failure. */
  readonly error: string | undefined;
  /** As QEMU answers the query at the end. */
  readonly statistics: JsonObject;
}

/** How often a QEMU that writes is asked how it goes. */
const askMs = 1_000;

/**
 * Writes the guest's memory into a descriptor, which stays the owner's. `onProgress` hears what QEMU says of it. Resolves
 * when QEMU has ended it, whatever its end was; rejects when it refuses to begin, when it does not answer any more, and
 * when the run ends.
 */
export async function writeMemory(
  writer: MemoryWriter,
  fd: number,
  writing: Writing,
  loop: Loop,
  onProgress: (statistics: JsonObject) => void,
): Promise<WritingEnd> {
  await writer.execute("getfd", { fdname: name }, undefined, { fds: [fd] });
  const ended = Promise.withResolvers<void>();
  let error: unknown;
  const leave = writer.onMonitorEvent(({ name: event, data }) => {
    if (event !== writing.event) return;
    error = data["error"];
    if (event !== "MIGRATION" || over.includes(String(data["status"]))) ended.resolve();
  });
  try {
    await writing.begin(writer, name);
    for (;;) {
      const statistics = (await writer.execute(writing.query)) as JsonObject;
      onProgress(statistics);
      const status = String(statistics["status"]);
      if (over.includes(status)) return { status, error: textOf(statistics["error-desc"] ?? error), statistics };
      await within(loop, ended.promise);
    }
  } finally {
    leave();
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Until it has come, or it is time to ask again. */
async function within(loop: Loop, event: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timeout = loop.timeout(loop.now() + askMs, () => resolve());
  try {
    await Promise.race([event, promise]);
  } finally {
    timeout.remove();
  }
}
