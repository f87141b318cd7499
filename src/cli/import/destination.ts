import { ErrorCode, VirError } from "../../protocol/index.ts";
import { parseXml } from "../../xml/index.ts";
import type { HypervisorSession } from "../hypervisor/hypervisor-session.ts";
import { type Imported, type ImportedKind, plain } from "./libvirt-directory.ts";

/** Bits of showing a definition: as it is kept, passwords included. */
const domainXml = 1 | 2;
const inactiveXml = 1;

/** Where definitions go. */
export interface Destination {
  /** As it is there now; undefined: nothing of that name is. Rejects with VirError. */
  show(kind: ImportedKind, name: string): Promise<string | undefined>;
  /** Rejects with VirError. */
  define(imported: Imported): Promise<void>;
}

/** The hypervisor at the other end. */
export function destinationOf({ call }: HypervisorSession): Destination {
  const shows: Readonly<Record<ImportedKind, (name: string) => Promise<string>>> = {
    domain: async (name) => {
      const { dom } = await call.domainLookupByName({ name });
      return (await call.domainGetXmlDesc({ dom, flags: domainXml })).xml;
    },
    network: async (name) => {
      const { net } = await call.networkLookupByName({ name });
      return (await call.networkGetXmlDesc({ net, flags: inactiveXml })).xml;
    },
    pool: async (name) => {
      const { pool } = await call.storagePoolLookupByName({ name });
      return (await call.storagePoolGetXmlDesc({ pool, flags: inactiveXml })).xml;
    },
  };
  const defines: Readonly<Record<ImportedKind, (imported: Imported) => Promise<void>>> = {
    domain: async ({ xml, autostart }) => {
      const { dom } = await call.domainDefineXmlFlags({ xml, flags: 0 });
      if (autostart) await call.domainSetAutostart({ dom, autostart: 1 });
    },
    network: async ({ xml, autostart }) => {
      const { net } = await call.networkDefineXml({ xml });
      if (autostart) await call.networkSetAutostart({ net, autostart: 1 });
    },
    pool: async ({ xml, autostart }) => {
      const { pool } = await call.storagePoolDefineXml({ xml, flags: 0 });
      if (autostart) await call.storagePoolSetAutostart({ pool, autostart: 1 });
    },
  };
  return {
    show: async (kind, name) => {
      try {
        return plain(parseXml(await shows[kind](name)).root);
      } catch (error) {
        if (error instanceof VirError && missing.has(error.code)) return undefined;
        throw error;
      }
    },
    define: (imported) => defines[imported.kind](imported),
  };
}

const missing: ReadonlySet<number> = new Set([ErrorCode.noDomain, ErrorCode.noNetwork, ErrorCode.noStoragePool]);
