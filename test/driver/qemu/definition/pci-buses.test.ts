import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describePciAddress, pciAddress } from "../../../../src/driver/qemu/definition/pci/pci-address.ts";
import { PciBus, type PciDemand } from "../../../../src/driver/qemu/definition/pci/pci-bus.ts";
import { PciBuses } from "../../../../src/driver/qemu/definition/pci/pci-buses.ts";

const conventional: PciDemand = { kind: "pci-device", automatic: true };
const express: PciDemand = { kind: "pcie-device", automatic: true };
const rootPort: PciDemand = { kind: "pcie-root-port", aggregate: true };

function busesOf(...models: readonly string[]): PciBuses {
  return new PciBuses(
    models.map((model) => new PciBus(model)),
    false,
  );
}

function growing(...models: readonly string[]): PciBuses {
  return new PciBuses(
    models.map((model) => new PciBus(model)),
    true,
  );
}

function take(buses: PciBuses, demand: PciDemand, times = 1): string {
  let last = "";
  for (let count = 0; count < times; count++) last = describePciAddress(buses.allocate(demand));
  return last;
}

describe("the PCI buses of a guest", () => {
  it("give slots in order, and not the first of the root", () => {
    const buses = busesOf("pci-root");
    assert.equal(take(buses, conventional), "0000:00:01.0");
    assert.equal(take(buses, conventional), "0000:00:02.0");
  });

  it("leave out what is taken", () => {
    const buses = busesOf("pci-root");
    buses.reserve(pciAddress(0, 1), conventional);
    buses.reserve(pciAddress(0, 3), conventional);
    assert.equal(take(buses, conventional), "0000:00:02.0");
    assert.equal(take(buses, conventional), "0000:00:04.0");
  });

  it("put eight ports into one slot", () => {
    const buses = busesOf("pcie-root");
    assert.equal(take(buses, rootPort, 8), "0000:00:01.7");
    assert.equal(take(buses, rootPort), "0000:00:02.0");
  });

  it("put no device beside a port, nor on the root bus of PCI Express", () => {
    const buses = busesOf("pcie-root", "pcie-root-port");
    assert.equal(take(buses, express), "0000:01:00.0");
    assert.throws(() => take(buses, express), { message: "internal error: No more available PCI slots" });
  });

  it("let a hand put there what a search would not", () => {
    const buses = busesOf("pcie-root");
    buses.reserve(pciAddress(0, 5), { ...conventional, automatic: false });
    buses.reserve(pciAddress(0, 6), express);
    assert.throws(() => buses.reserve(pciAddress(0, 6), express), {
      message: "XML error: Attempted double use of PCI Address 0000:00:06.0",
    });
  });

  it("take nothing new where hotplug is off", () => {
    const buses = new PciBuses([new PciBus("pcie-root"), new PciBus("pcie-root-port", { hotplug: false })], false);
    assert.throws(() => buses.allocate({ ...express, hotplug: true }));
    assert.equal(take(buses, express), "0000:01:00.0");
  });

  it("grow by a bridge when the root is full", () => {
    const buses = growing("pci-root");
    assert.equal(take(buses, conventional, 31), "0000:00:1f.0");
    assert.equal(take(buses, conventional), "0000:01:01.0");
    assert.deepEqual(
      buses.all.map(({ model }) => model),
      ["pci-root", "pci-bridge"],
    );
  });

  it("grow by a port for each PCI Express device", () => {
    const buses = growing("pcie-root");
    assert.equal(take(buses, express, 3), "0000:03:00.0");
  });

  it("grow by a port and a bridge in it for the first conventional device of a guest with PCI Express", () => {
    const buses = growing("pcie-root");
    assert.equal(take(buses, conventional), "0000:02:01.0");
    assert.equal(take(buses, conventional), "0000:02:02.0");
    assert.equal(take(buses, express), "0000:03:00.0", "the port is the bridge's");
    assert.deepEqual(
      buses.all.map(({ model }) => model),
      ["pcie-root", "pcie-root-port", "pcie-to-pci-bridge", "pcie-root-port"],
    );
  });

  it("do not grow for what has to be asked for", () => {
    const buses = growing("pci-root");
    assert.throws(() => buses.allocate(rootPort), {
      message:
        "internal error: a PCI slot is needed to connect a PCI controller model='pcie-root-port', " +
        "but none is available, and it cannot be automatically added",
    });
  });

  it("say what is wrong with a place", () => {
    const buses = busesOf("pci-root");
    const refuse = (address: ReturnType<typeof pciAddress>, demand: PciDemand, message: string): void => {
      assert.throws(() => buses.reserve(address, demand), { message: `XML error: ${message}` });
    };
    refuse(pciAddress(3, 1), conventional, "Invalid PCI address 0000:03:01.0. Only PCI buses up to 0 are available");
    refuse(pciAddress(0, 0), conventional, "Invalid PCI address 0000:00:00.0. slot must be >= 1");
    refuse(
      pciAddress(0, 1),
      rootPort,
      "The device at PCI address 0000:00:01.0 cannot be plugged into the PCI controller with index='0'. " +
        "It requires a controller that accepts a pcie-root-port.",
    );
  });
});
