import { freeBitmap, newBitmap } from "./bitmap.ts";
import { type CallbackTarget, callbacks, operations, type RunningOperation } from "./callbacks.ts";
import { failure } from "./error.ts";
import type { Completion, Request, RequestListener, Running } from "./library.ts";
import { calloc, free, type Pointer, type RawLibrary, readInt, writeByte, writeInt, writePointer } from "./raw.ts";
import type { Layout } from "./versions.ts";

export interface Origin {
  readonly raw: RawLibrary;
  readonly layout: Layout;
  readonly context: Pointer;
  readonly target: CallbackTarget;
}

/** One call, ready to be made: what the library will use until the operation has ended stands in `free`. */
interface Call {
  readonly start: (how: Pointer, consoleHow: Pointer) => number;
  readonly result: (rc: number) => Completion;
  readonly free: () => void;
}

const plainResult = (rc: number): Completion => ({ rc });
const liveFlag = 2;
const streamVersion = 2;

/** Starts an operation. What it needs is freed when its callback has been called, or at once when it did not start. */
export function begin(origin: Origin, request: Request, listener: RequestListener): Running | number {
  const call = prepare(origin, request);
  if (typeof call === "number") return call;
  const operation: RunningOperation = { ...call, target: origin.target, listener };
  const token = operations.issue(operation);
  const rc = withHows(token, call.start);
  if (rc !== 0) {
    // Then there will be no callback.
    if (operations.retire(token)) call.free();
    return rc;
  }
  const { raw, context } = origin;
  return { abort: () => withHows(token, (how) => raw.abort(context, how)) };
}

/** libxl copies both structs, and finds an operation again by the contents of the first. */
function withHows(token: number, use: (how: Pointer, consoleHow: Pointer) => number): number {
  const hows = calloc(5, 8);
  const { ended, progressed } = callbacks();
  [ended, token, progressed, 0, token].forEach((word, index) => writePointer(hows, 8 * index, word));
  try {
    return use(hows, hows + 16n);
  } finally {
    free(hows);
  }
}

function prepare(origin: Origin, request: Request): Call | number {
  const { raw, context } = origin;
  switch (request.call) {
    case "create":
    case "restore":
      return prepareCreation(origin, request);
    case "configuration":
      return prepareConfiguration(origin, request.domid);
    case "save": {
      const { domid, fd, live } = request;
      const flags = live ? liveFlag : 0;
      return { start: (how) => raw.suspend(context, domid, fd, flags, how), result: plainResult, free: () => {} };
    }
    case "dump": {
      const path = textOf(request.path);
      const start = (how: Pointer): number => raw.coreDump(context, request.domid, path, how);
      return { start, result: plainResult, free: () => free(path) };
    }
    case "vcpus":
      return prepareVcpus(origin, request);
    case "addDevice":
    case "removeDevice":
      return prepareDevice(origin, request);
    case "pause":
    case "unpause":
    case "resume":
    case "shutdown":
    case "pressPowerButton":
    case "reboot":
    case "destroy": {
      const { call, domid } = request;
      return { start: (how) => raw.plain[call](context, domid, how), result: plainResult, free: () => {} };
    }
  }
}

function prepareCreation(origin: Origin, request: Request & { call: "create" | "restore" }): Call | number {
  const { raw, layout, context } = origin;
  const config = newConfig(origin);
  const parsed = raw.parseConfig(context, config, request.config);
  if (parsed !== 0) {
    freeConfig(origin, config);
    return parsed;
  }
  const domid = calloc(1, 8);
  const params = calloc(1, layout.restoreParams.size);
  raw.initRestore(params);
  writeInt(params, layout.restoreParams.streamVersion, streamVersion);
  return {
    start: (how, consoleHow) =>
      request.call === "create"
        ? raw.createNew(context, config, domid, how, consoleHow)
        : raw.createRestore(context, config, domid, request.fd, -1, params, how, consoleHow),
    // The number is there after a failure too, when there was a domain: 0 or -1 says that there was none.
    result: (rc) => {
      const number = readInt(domid);
      return number > 0 ? { rc, domid: number } : { rc };
    },
    free: () => {
      freeConfig(origin, config);
      raw.disposeRestore(params);
      for (const memory of [domid, params]) free(memory);
    },
  };
}

function prepareConfiguration(origin: Origin, domid: number): Call {
  const { raw, context } = origin;
  const config = newConfig(origin);
  return {
    start: (how) => raw.retrieveConfig(context, domid, config, how),
    result: (rc) => {
      if (rc !== 0) return { rc };
      const json = raw.printConfig(context, config);
      return json === null ? { rc: failure } : { rc, config: json };
    },
    free: () => freeConfig(origin, config),
  };
}

/** The first `count` of them are to be online. */
function prepareVcpus(origin: Origin, { domid, count }: Request & { call: "vcpus" }): Call | number {
  const { raw, context } = origin;
  const map = newBitmap(
    origin,
    Array.from({ length: count }, (_, vcpu) => vcpu),
  );
  if (typeof map === "number") return map;
  const start = (how: Pointer): number => raw.setVcpus(context, domid, map, how);
  return { start, result: plainResult, free: () => freeBitmap(raw, map) };
}

/** One that is to go is described by libxl itself, as the domain has it now. */
function prepareDevice(
  { raw, layout, context }: Origin,
  request: Request & { call: "addDevice" | "removeDevice" },
): Call | number {
  const { kind, domid } = request;
  const { init, parse, find, add, remove, dispose } = raw.devices[kind];
  const memory = calloc(1, layout.devices[kind].size);
  init(memory);
  const freeDevice = (): void => {
    dispose(memory);
    free(memory);
  };
  const isNew = request.call === "addDevice";
  const rc = isNew ? parse(context, memory, request.config) : find(context, domid, request.name, memory);
  if (rc !== 0) {
    freeDevice();
    return rc;
  }
  const act = isNew ? add : remove;
  return { start: (how) => act(context, domid, memory, how), result: plainResult, free: freeDevice };
}

export function newConfig({ raw, layout }: Origin): Pointer {
  const config = calloc(1, layout.domainConfig.size);
  raw.initConfig(config);
  return config;
}

export function freeConfig({ raw }: Origin, config: Pointer): void {
  raw.disposeConfig(config);
  free(config);
}

/** A copy in C's memory, with the NUL that ends it. */
function textOf(text: string): Pointer {
  const bytes = new TextEncoder().encode(text);
  const memory = calloc(bytes.length + 1, 1);
  bytes.forEach((byte, index) => writeByte(memory, index, byte));
  return memory;
}
