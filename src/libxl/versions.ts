import type { DeviceKind } from "./library.ts";

/** Sizes and offsets, in bytes, of what is read from and written to the library's memory. */
export interface Layout {
  readonly domainConfig: { readonly size: number };
  readonly domainInfo: {
    readonly size: number;
    readonly domid: number;
    readonly flags: number;
    readonly shutdownReason: number;
    readonly outstandingMemoryKib: number;
    readonly cpuTime: number;
    readonly vcpuMaxId: number;
    readonly type: number;
  };
  readonly vcpuInfo: {
    readonly size: number;
    readonly cpu: number;
    readonly online: number;
    readonly blocked: number;
    readonly running: number;
    readonly time: number;
    readonly cpumap: number;
  };
  readonly event: {
    readonly domid: number;
    readonly forUser: number;
    readonly type: number;
    readonly union: number;
  };
  readonly versionInfo: { readonly commandLine: number };
  readonly bitmap: { readonly size: number };
  readonly restoreParams: { readonly size: number; readonly streamVersion: number };
  readonly numaInfo: { readonly size: number; readonly memory: number; readonly free: number };
  readonly cpuTopology: {
    readonly size: number;
    readonly core: number;
    readonly socket: number;
    readonly node: number;
  };
  readonly devices: Readonly<Record<DeviceKind, { readonly size: number }>>;
}

/** One version of the library that we know. */
export interface LibraryVersion {
  /** As Xen counts: "4.17". */
  readonly version: string;
  readonly soname: string;
  readonly layout: Layout;
}

/**
 * What differs from one version of libxl to the next. Its structs have no version of their own, and a wrong offset is a
 * wrong answer at best, so a version is used only when it stands here; a test compares each with the library's headers.
 * All are of Linux on x86-64.
 */
export const libraryVersions: readonly LibraryVersion[] = [
  {
    version: "4.17",
    soname: "libxenlight.so.4.17",
    layout: {
      domainConfig: { size: 1288 },
      domainInfo: {
        size: 120,
        domid: 16,
        flags: 32,
        shutdownReason: 40,
        outstandingMemoryKib: 48,
        cpuTime: 88,
        vcpuMaxId: 96,
        type: 112,
      },
      vcpuInfo: { size: 56, cpu: 4, online: 8, blocked: 9, running: 10, time: 16, cpumap: 24 },
      event: { domid: 16, forUser: 40, type: 48, union: 56 },
      versionInfo: { commandLine: 80 },
      bitmap: { size: 16 },
      restoreParams: { size: 24, streamVersion: 4 },
      numaInfo: { size: 32, memory: 0, free: 8 },
      cpuTopology: { size: 12, core: 0, socket: 4, node: 8 },
      devices: { disk: { size: 144 }, nic: { size: 504 } },
    },
  },
];
