import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { errorDomainOf, knownProcedure, publicFunction, qemu, remote } from "../../src/protocol/index.ts";

describe("libvirt's public functions", () => {
  it("follow from the names of the rows, or stand in them", () => {
    const rows = remote.procedures;
    assert.equal(publicFunction("domainGetXmlDesc", rows.domainGetXmlDesc), "virDomainGetXMLDesc");
    assert.equal(publicFunction("connectListAllNwfilters", rows.connectListAllNwfilters), "virConnectListAllNWFilters");
    const { connectDomainEventCallbackRegisterAny } = rows;
    assert.equal(
      publicFunction("connectDomainEventCallbackRegisterAny", connectDomainEventCallbackRegisterAny),
      "virConnectDomainEventRegisterAny",
    );
    const { domainMonitorCommand } = qemu.procedures;
    assert.equal(publicFunction("domainMonitorCommand", domainMonitorCommand), "virDomainQemuMonitorCommand");
  });

  it("are known by number, with what a read-only connection may call", () => {
    assert.deepEqual(knownProcedure(1), { api: "virConnectOpen", readOnly: true });
    assert.deepEqual(knownProcedure(9), { api: "virDomainCreate", readOnly: false });
    assert.deepEqual(knownProcedure(200), { api: "virDomainGetVcpusFlags", readOnly: true });
    assert.deepEqual(knownProcedure(212), { api: "virDomainGetState", readOnly: true });
    assert.deepEqual(knownProcedure(452), { api: "virDomainDelThrottleGroup", readOnly: false });
  });

  it("are not there for events, for authentication, and beyond the ends of the table", () => {
    for (const number of [107, 318, 453, 454, 0, -1, 2 ** 31 - 1]) assert.equal(knownProcedure(number), undefined);
    for (const number of [66, 70]) assert.deepEqual(knownProcedure(number), { api: undefined, readOnly: true });
  });

  it("live in different parts of it", () => {
    const homes: [string, number][] = [
      ["virDomainReboot", 20],
      ["virConnectGetCapabilities", 20],
      ["virDomainInterfaceStats", 20],
      ["virDomainListAllSnapshots", 35],
      ["virDomainRevertToSnapshot", 35],
      ["virDomainCheckpointCreateXML", 69],
      ["virConnectListAllNetworks", 19],
      ["virConnectFindStoragePoolSources", 18],
      ["virStorageVolDownload", 18],
      ["virNodeListDevices", 22],
      ["virConnectListAllNodeDevices", 22],
      ["virNodeGetMemoryStats", 20],
      ["virConnectNumOfSecrets", 30],
      ["virNWFilterBindingDelete", 33],
      ["virInterfaceChangeBegin", 26],
    ];
    for (const [api, domain] of homes) assert.equal(errorDomainOf(api), domain, api);
  });
});
