import { ErrorDomain } from "./error-codes.ts";
import type { Call, Procedure } from "./procedure.ts";
import { remote } from "./remote/index.ts";

/** A procedure of libvirt's REMOTE program, as its refusals need it. */
export interface KnownProcedure {
  /** libvirt's function; undefined for the steps of authentication, which have none. */
  readonly api: string | undefined;
  /** Whether a read-only connection may call it, be it under a condition. */
  readonly readOnly: boolean;
}

/** What libvirt has under this number; undefined for events and for numbers that it does not know. */
export function knownProcedure(number: number): KnownProcedure | undefined {
  return known.get(number);
}

/** libvirt's function behind a row, `name` being the row's; undefined when there is none. */
export function publicFunction(name: string, { api }: Call): string | undefined {
  if (api !== undefined) return api ?? undefined;
  const words = name.match(/[A-Z]?[a-z0-9]+/g) ?? [];
  return `vir${words.map((word) => spellings[word.toLowerCase()] ?? capitalised(word)).join("")}`;
}

/** The part of libvirt in which a public function lives, and which its refusals therefore name. */
export function errorDomainOf(api: string): ErrorDomain {
  return homes.find(([pattern]) => pattern.test(api))?.[1] ?? ErrorDomain.domain;
}

/** Words that libvirt does not write with one capital at the front. */
const spellings: { readonly [word: string]: string } = {
  cpu: "CPU",
  dhcp: "DHCP",
  fd: "FD",
  fsfreeze: "FSFreeze",
  fsinfo: "FSInfo",
  fsthaw: "FSThaw",
  fstrim: "FSTrim",
  id: "ID",
  iothread: "IOThread",
  mac: "MAC",
  nmi: "NMI",
  nwfilter: "NWFilter",
  nwfilters: "NWFilters",
  os: "OS",
  pm: "PM",
  scsi: "SCSI",
  sev: "SEV",
  ssh: "SSH",
  uri: "URI",
  uuid: "UUID",
  wwn: "WWN",
  xml: "XML",
};

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** The first that matches; all others live in ErrorDomain.domain, those about the host too. */
const homes: readonly (readonly [RegExp, ErrorDomain])[] = [
  [/^vir(Connect)?Domain(Qemu|Lxc)/, ErrorDomain.none],
  [/^virDomain.*Snapshot/, ErrorDomain.domainSnapshot],
  [/^virDomain.*Checkpoint/, ErrorDomain.domainCheckpoint],
  [/^virDomain/, ErrorDomain.domain],
  [/NWFilter/, ErrorDomain.nwfilter],
  [/Network/, ErrorDomain.network],
  [/Storage/, ErrorDomain.storage],
  [/NodeDevice|NodeNumOfDevices|NodeListDevices/, ErrorDomain.nodedev],
  [/Secret/, ErrorDomain.secret],
  [/Interface/, ErrorDomain.interface],
];

const known: ReadonlyMap<number, KnownProcedure> = new Map(
  Object.entries<Procedure>(remote.procedures).flatMap(([name, row]) =>
    row.kind === "event" ? [] : [[row.number, { api: publicFunction(name, row), readOnly: row.readOnly !== "denied" }]],
  ),
);
