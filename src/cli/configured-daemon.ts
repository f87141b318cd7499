import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { AdminServer, type SocketOptions } from "../daemon/index.ts";
import { isSocketServed, PidFile } from "../os/index.ts";
import { AuditFile } from "./audit/audit-file.ts";
import { changedForRestart, type DaemonConfig, type ReadConfig, readConfig } from "./config/daemon-config.ts";
import {
  accessOf,
  adminSocketsOf,
  browsersOf,
  limitsOf,
  logInOf,
  logSettingsOf,
  openDoorsOf,
  pkcheckOf,
  portsOf,
  socketsOf,
  tlsIdentityOf,
} from "./daemon-settings.ts";
import { IdleEnd } from "./idle-end.ts";
import { Logger } from "./log/logger.ts";
import { LoggerControl } from "./log/logger-control.ts";
import { MetricsServer, parsePlace } from "./metrics/metrics-server.ts";
import { ServiceMetrics } from "./metrics/service-metrics.ts";
import { type DaemonPlaces, makeDirectories } from "./places.ts";
import { resolveSecurity } from "./qemu-security.ts";
import { qemuAdvice, Service } from "./service.ts";
import { TokenFile } from "./token-file.ts";
import { UsageError } from "./usage-error.ts";

export interface ConfiguredDaemonOptions {
  readonly places: DaemonPlaces;
  /** What the QEMU driver serves. */
  readonly uri: string;
  readonly configFile: string;
  /** Without the file the defaults hold; else it has to be there. */
  readonly mayBeMissing: boolean;
  readonly pidFile: string;
  /** Libvirt's names are served too. */
  readonly libvirtSockets: boolean;
  readonly verbose: boolean;
  /** Sockets on which systemd listens for us, by path. Default: none. */
  readonly passed?: ReadonlyMap<string, number>;
  /** Seconds without clients and guests after which the daemon is to end; 0: never. */
  readonly timeout: number;
  /** The daemon wants to end: somebody has asked for it, or nobody has for long. */
  readonly onEnd: () => void;
}

/** What the file says. Throws ConfigError, or UsageError when it cannot be read. */
export function loadConfig({
  configFile,
  mayBeMissing,
}: Pick<ConfiguredDaemonOptions, "configFile" | "mayBeMissing">): ReadConfig {
  let text = "";
  try {
    text = readFileSync(configFile, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" || !mayBeMissing) throw new UsageError(`${configFile} cannot be read: ${message}`);
  }
  return readConfig(text, configFile);
}

/** `parts` closes the others. */
interface Parts {
  readonly logger: Logger;
  readonly logControl: LoggerControl;
  readonly audit: AuditFile;
  readonly admin: AdminServer;
  readonly service: Service;
  readonly parts: AsyncDisposableStack;
}

/**
 * The daemon as its file describes it.
 *
 *     open -> closing -> closed
 *
 * open:   rejects when it cannot serve; what others own has not been touched then.
 * reload: open. What can be changed is; a file with an error changes nothing. Never throws: it logs.
 * close:  open -> closing: calls under way are answered, at the latest after shutdown_timeout; idempotent.
 */
export class ConfiguredDaemon implements AsyncDisposable {
  readonly #options: ConfiguredDaemonOptions;
  readonly #logger: Logger;
  readonly #logControl: LoggerControl;
  readonly #audit: AuditFile;
  readonly #admin: AdminServer;
  readonly #service: Service;
  readonly #parts: AsyncDisposableStack;
  #config: DaemonConfig;
  #state: "open" | "closing" = "open";

  private constructor(
    options: ConfiguredDaemonOptions,
    config: DaemonConfig,
    { logger, logControl, audit, admin, service, parts }: Parts,
  ) {
    this.#options = options;
    this.#config = config;
    this.#logger = logger;
    this.#logControl = logControl;
    this.#audit = audit;
    this.#admin = admin;
    this.#service = service;
    this.#parts = parts;
  }

  static async open(options: ConfiguredDaemonOptions): Promise<ConfiguredDaemon> {
    await using parts = new AsyncDisposableStack();
    const { places, uri, verbose } = options;
    const { config, warnings } = loadConfig(options);
    const sockets = withPassed(socketsOf(config, places, options.libvirtSockets), options.passed);
    const ports = portsOf(config, places);
    const adminPaths = adminSocketsOf(config, places, options.libvirtSockets);
    const ownSockets = sockets.filter(({ passed }) => passed === undefined).map(({ path }) => path);
    for (const path of [...ownSockets, ...adminPaths]) checkFree(path, places);
    const logSettings = logSettingsOf(config, verbose);
    const logger = parts.use(new Logger(logSettings));
    const { write: log } = logger;
    const { drivers } = config;
    if (drivers.includes("qemu") && qemuAdvice() !== undefined) warnings.push(`guests cannot start: ${qemuAdvice()}`);
    warnings.push(...openDoorsOf(config));
    const { security, warnings: advice } = resolveSecurity(config, uri);
    if (drivers.includes("qemu")) warnings.push(...advice);
    for (const message of warnings) log({ level: "warn", source: "daemon", message });
    parts.use(claimPlaces(options, sockets));
    const onError = (error: unknown): void =>
      log({ level: "error", source: "audit", message: `records are lost: ${(error as Error).message}` });
    const audit = parts.use(new AuditFile(config.audit_file || places.auditFile, { onError }));
    const guards = {
      logIn: logInOf(config, places),
      access: accessOf(config),
      audit: audit.write,
      pkcheck: pkcheckOf(config),
    };
    const limits = limitsOf(config);
    const service = parts.use(await Service.open({ drivers, uri, places, security, log, limits, guards }));
    service.listen(sockets);
    for (const port of ports) await service.daemon.listenAt(port);
    const browsers = browsersOf(config);
    if (browsers !== undefined) {
      await service.daemon.listenForBrowsers(browsers);
      parts.use(new TokenFile(join(places.socketDir, "websocket-token"), browsers.token));
    }
    const metricsPlace = parsePlace(config.metrics_listen);
    if (metricsPlace !== undefined) {
      const metrics = parts.use(new ServiceMetrics(service));
      parts.use(await MetricsServer.open(metricsPlace, () => metrics.render()));
    }
    const logControl = new LoggerControl(logger, logSettings);
    const idle = parts.use(new IdleEnd(service.loop, service.daemon, () => service.hasGuests(), options.onEnd));
    idle.set(options.timeout);
    const admin = new AdminServer(service.loop, {
      daemon: service.daemon,
      log: logControl,
      renewTls: () => service.daemon.renew(tlsIdentityOf(config, places)),
      setTimeout: (seconds) => idle.set(seconds),
      shutDown: options.onEnd,
    });
    parts.use(admin);
    for (const path of adminPaths) admin.listen(path, { mode: config.unix_sock_admin_perms });
    log({
      level: "info",
      source: "daemon",
      message: `ready: serving ${service.uris.join(" and ")} as process ${process.pid}`,
    });
    return new ConfiguredDaemon(options, config, { logger, logControl, audit, admin, service, parts: parts.move() });
  }

  reload(): void {
    if (this.#state !== "open") return;
    const { configFile, verbose } = this.#options;
    try {
      const { config, warnings } = loadConfig(this.#options);
      // All that may be wrong with them is found before anything changes. The sockets' group counts after a restart alone.
      const { unix_sock_group, listen_tls, access_drivers } = this.#config;
      const access = accessOf({ ...config, unix_sock_group, access_drivers });
      // Certificates are renewed in the files that the running daemon has.
      const identity = listen_tls === 1 ? tlsIdentityOf(this.#config, this.#options.places) : undefined;
      const { daemon } = this.#service;
      daemon.rule(access);
      if (identity !== undefined) daemon.renew(identity);
      daemon.configure(limitsOf(config));
      this.#follow("log", () => this.#logControl.follow(logSettingsOf(config, verbose)));
      this.#follow("audit file", () => this.#audit.reopen());
      for (const warning of warnings) this.#say("warn", warning);
      const later = changedForRestart(this.#config, config);
      for (const key of later) this.#say("warn", `${key} has changed in ${configFile}: that counts after a restart`);
      // The next time they are told again: what runs is still the old.
      this.#config = { ...config, ...pick(this.#config, later) };
      this.#say("info", `${configFile} was read again`);
    } catch (error) {
      this.#say("error", `the settings stay as they are: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** A file that cannot be opened leaves the one before, and keeps nothing else from its force. */
  #follow(what: string, step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#say("error", `the ${what} stays as it is: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async close(): Promise<void> {
    if (this.#state === "open") this.#say("info", "ending; guests run on");
    this.#state = "closing";
    await this.#admin.close();
    await this.#service.close(this.lingerMs);
    await this.#parts.disposeAsync();
  }

  /** For how long `close` waits for calls that are under way. */
  get lingerMs(): number {
    return this.#config.shutdown_timeout * 1000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #say(level: "info" | "warn" | "error", message: string): void {
    this.#logger.write({ level, source: "daemon", message });
  }
}

/** Those that are there already are served as they are. Throws UsageError for one that nobody would serve. */
function withPassed(sockets: readonly SocketOptions[], passed: ReadonlyMap<string, number> = new Map()) {
  const strange = [...passed.keys()].find((path) => !sockets.some((socket) => socket.path === path));
  if (strange !== undefined) {
    const advice = "install the service anew (virtwright install-service), or change unix_sock_dir";
    throw new UsageError(`systemd listens at ${strange}, where this daemon serves nothing: ${advice}`);
  }
  return sockets.map((socket) => ({ ...socket, passed: passed.get(socket.path) }));
}

/** Makes the directories, and takes the one place that two daemons cannot share whatever their sockets are called. */
function claimPlaces({ places, pidFile }: ConfiguredDaemonOptions, sockets: readonly SocketOptions[]): PidFile {
  const files = [pidFile, ...sockets.map(({ path }) => path)];
  makeDirectories([...places.directories, ...files.map((path) => [dirname(path), places.directoryMode] as const)]);
  const held = new PidFile(pidFile);
  // However the process ends by itself.
  process.once("exit", () => held.release());
  return held;
}

/** Throws UsageError when the path is another daemon's, or none for a socket. */
function checkFree(path: string, { libvirtSocketDir }: DaemonPlaces): void {
  if (!isServed(path)) return;
  const isLibvirts = path.startsWith(`${libvirtSocketDir}/libvirt-sock`);
  const advice = isLibvirts
    ? "stop libvirtd and its socket units first, or leave out --libvirt-sockets"
    : "stop that daemon, or choose another directory by unix_sock_dir";
  throw new UsageError(`${path} is served by a live daemon: ${advice}`);
}

function isServed(path: string): boolean {
  try {
    return isSocketServed(path);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`${error.message}; choose a shorter unix_sock_dir`);
  }
}

function pick(config: DaemonConfig, keys: readonly string[]): Partial<DaemonConfig> {
  return Object.fromEntries(Object.entries(config).filter(([key]) => keys.includes(key)));
}
