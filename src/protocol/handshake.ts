/** What CONNECT_SUPPORTS_FEATURE can ask for (VIR_DRV_FEATURE_*), as far as somebody here answers it. */
export const Feature = {
  migrationPeerToPeer: 4,
  migrationDirect: 5,
  /** The source keeps a domain from being changed while it migrates. */
  migrateChangeProtection: 7,
  fdPassing: 8,
  /** Typed parameters may carry strings. */
  typedParamString: 9,
  /** To ask for it promises to answer pings, and starts them. */
  programKeepalive: 10,
  migrationOffline: 12,
  /** Migrations take typed parameters. */
  migrationParams: 13,
  remoteEventCallback: 14,
  remoteCloseCallback: 15,
  /** The arguments of NETWORK_UPDATE stand in the order of their row. */
  networkUpdateHasCorrectOrder: 16,
} as const;

/** The libvirt whose wire this is, as CONNECT_GET_LIB_VERSION says it: clients decide by it what to ask for. */
export const libvirtVersion = 9_000_000n;

/** What AUTH_LIST can name. */
export const AuthType = { none: 0, sasl: 1, polkit: 2 } as const;

/** Bit 0 of CONNECT_OPEN's flags. */
export const connectReadOnly = 1;
