import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Service } from "../service.ts";
import { daemonFamilies } from "./daemon-metrics.ts";
import { type DomainStats, domainFamilies, statsWanted } from "./domain-metrics.ts";
import { exposition } from "./exposition.ts";

/** How long hypervisors have to say how their guests are, in ms. */
const patienceMs = 5_000;

/** What a service has to tell, and how late its loop is. */
export class ServiceMetrics implements Disposable {
  readonly #service: Service;
  readonly #delay = monitorEventLoopDelay({ resolution: 10 });

  constructor(service: Service) {
    this.#service = service;
    this.#delay.enable();
  }

  /** In Prometheus's form. A hypervisor that does not answer in time is down, and the others are told all the same. */
  async render(): Promise<string> {
    const { daemon } = this.#service;
    const asked = await this.#service.ask(statsWanted, patienceMs);
    const domains: DomainStats[] = [];
    for (const [hypervisor, { records }] of asked)
      for (const { dom, params } of records) domains.push({ name: dom.name, uuid: dom.uuid, hypervisor, params });
    const clients = Map.groupBy(daemon.clients(), ({ principal }) => principal.door);
    const delay = this.#delay;
    const report = {
      calls: daemon.meter.totals(),
      clients: new Map([...clients].map(([door, all]) => [door, all.length])),
      anonymousClients: daemon.clients().filter(({ isAnonymous }) => isAnonymous).length,
      callsUnderWay: daemon.callsUnderWay,
      queueLengths: daemon.queueLengths,
      loads: new Map([...asked].flatMap(([uri, { load }]) => (load === undefined ? [] : [[uri, load]]))),
      hypervisors: new Map([...asked].map(([uri, { position }]) => [uri, position])),
      loopDelay: { p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 },
      memory: process.memoryUsage.rss(),
    };
    delay.reset();
    return exposition([...daemonFamilies(report), ...domainFamilies(domains)]);
  }

  [Symbol.dispose](): void {
    this.#delay.disable();
  }
}
