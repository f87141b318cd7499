import { isMainThread } from "node:worker_threads";
import type { Loop } from "../event/index.ts";
import { onChildSignal } from "./child-signal.ts";
import { Context } from "./context.ts";
import { LibraryError, LibxlError } from "./error.ts";
import { KoffiLibrary } from "./koffi-library.ts";
import type { LogLevel, LogLine } from "./log-line.ts";
import { LogPipe } from "./log-pipe.ts";
import { bind, type Pointer, type RawLibrary } from "./raw.ts";
import { type LibraryVersion, libraryVersions } from "./versions.ts";

export interface OpenOptions {
  /** From which level on libxl's messages are read. Default "notice"; errors are always part of what is thrown. */
  readonly logLevel?: LogLevel;
  /** Called from the loop. Default: nobody hears them. */
  readonly onLog?: (line: LogLine) => void;
  /** For tests: so many turns of the loop after its time libxl hears of each descriptor and timeout. Default 0. */
  readonly holdBack?: () => number;
  /** For tests: a call came when what it was about had ended, and libxl has not heard it; `forLibrary` was its name. */
  readonly onLate?: (forLibrary: Pointer, fd: number | undefined) => void;
  /** libxl is broken beyond repair. Default: an error for the loop's `onError`. */
  readonly onDisaster?: (message: string) => void;
}

/**
 * Opens a context of the libxl that is installed. Throws LibraryError when there is none that we know or no Xen of its
 * version is running, and LibxlError when Xen may not be used. On the main thread, because SIGCHLD is told to that alone.
 */
export function openContext(loop: Loop, options: OpenOptions = {}): Context<Pointer> {
  if (!isMainThread)
    throw new LibraryError("libxl needs to hear of its children, and a Worker does not: use a process");
  const { raw, about } = loadLibrary();
  const said: string[] = [];
  const complaints = { note: (message: string): void => void said.push(message) };
  const level = options.logLevel ?? "notice";
  const log = new LogPipe(loop, raw, level, (line) => {
    if (line.level === "error" || line.level === "critical") complaints.note(line.message);
    options.onLog?.(line);
  });
  const library = openLibrary(raw, about, log, said);
  let stop: () => void = () => {};
  const context = new Context(loop, library, {
    wallClock: () => Date.now(),
    onDisaster: options.onDisaster ?? failLoudly,
    readLog: () => log.read(),
    ...(options.holdBack !== undefined && { holdBack: options.holdBack }),
    ...(options.onLate !== undefined && { onLate: options.onLate }),
    onClosed: () => {
      stop();
      log.close();
    },
  });
  complaints.note = (message) => context.noteComplaint(message);
  stop = onChildSignal(() => context.childEnded());
  return context;
}

/** `said` is what libxl complains of meanwhile. */
function openLibrary(raw: RawLibrary, about: LibraryVersion, log: LogPipe, said: readonly string[]): KoffiLibrary {
  let library: KoffiLibrary | undefined;
  try {
    library = new KoffiLibrary(raw, about, log.logger);
    const below = library.hypervisorVersion();
    if (below === about.version) return library;
    throw new LibraryError(`${about.soname} is of Xen ${about.version}, and Xen ${below ?? "?"} is running`);
  } catch (error) {
    library?.dispose();
    log.close();
    throw error instanceof LibxlError ? new LibxlError(error.rc, error.call, { log: said }) : error;
  }
}

let loaded: { readonly raw: RawLibrary; readonly about: LibraryVersion } | undefined;

function loadLibrary(): { readonly raw: RawLibrary; readonly about: LibraryVersion } {
  loaded ??= tryVersions();
  return loaded;
}

function tryVersions(): { readonly raw: RawLibrary; readonly about: LibraryVersion } {
  const { platform, arch } = process;
  if (platform !== "linux" || arch !== "x64") {
    throw new LibraryError(`libxl is known on Linux on x86-64 alone, and this is ${platform} on ${arch}`);
  }
  const reasons: string[] = [];
  for (const about of libraryVersions) {
    try {
      return { raw: bind(about), about };
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  const known = libraryVersions.map(({ version }) => version).join(", ");
  throw new LibraryError(`no libxl of a version that is known (${known}) can be loaded: ${reasons.join("; ")}`);
}

function failLoudly(message: string): void {
  throw new LibraryError(`libxl is broken: ${message}`);
}
