"""Handles that are stale, shared or of another connection; and every part of errors."""

import libvirt
from asking import *

turn_events()
connection = libvirt.open(uri)
other = libvirt.open(uri)
uuid = numbered_uuid(1)
guest = connection.defineXML(domain_xml("guest", uuid))

ask("by name", connection.lookupByName, "guest")
ask("by uuid", connection.lookupByUUIDString, uuid)
ask("by uuid's bytes", connection.lookupByUUID, guest.UUID())
ask("by an upper-case uuid", connection.lookupByUUIDString, uuid.upper())
ask("by a uuid without dashes", connection.lookupByUUIDString, uuid.replace("-", ""))
for wrong in ("", "x", uuid[:-1], uuid + "0", "00000000-0000-0000-0000-000000000000"):
    ask(f"by the uuid {wrong!r}", connection.lookupByUUIDString, wrong)
for wrong in ("", "Guest", "guest ", " guest", "gues", "\u00e4", "x" * 1000, "a\nb"):
    ask(f"by the name {wrong[:10]!r}", connection.lookupByName, wrong)
for wrong in (-1, 0, 99, 2147483647, -2147483648, 2147483648):
    ask(f"by the id {wrong}", connection.lookupByID, wrong)

reads = {
    "info": lambda d: d.info()[:4],
    "state": lambda d: d.state(),
    "xml": lambda d: len(d.XMLDesc(0)) > 0,
    "active": lambda d: d.isActive(),
    "persistent": lambda d: d.isPersistent(),
    "updated": lambda d: d.isUpdated(),
    "autostart": lambda d: d.autostart(),
    "os type": lambda d: d.OSType(),
    "max memory": lambda d: d.maxMemory(),
    "max vcpus": lambda d: d.maxVcpus(),
    "vcpus": lambda d: len(d.vcpus()),
    "vcpus by flags": lambda d: d.vcpusFlags(0),
    "saved": lambda d: d.hasManagedSaveImage(0),
    "snapshots": lambda d: d.snapshotNum(0),
    "current snapshot": lambda d: d.hasCurrentSnapshot(0),
    "get current snapshot": lambda d: d.snapshotCurrent(0),
    "snapshot by name": lambda d: d.snapshotLookupByName("none", 0),
    "checkpoints": lambda d: len(d.listAllCheckpoints()),
    "checkpoint by name": lambda d: d.checkpointLookupByName("none"),
    "metadata title": lambda d: d.metadata(1, None, 0),
    "metadata element": lambda d: d.metadata(2, "http://none/", 0),
    "job": lambda d: d.jobInfo()[0],
    "job statistics": lambda d: d.jobStats(),
    "control": lambda d: d.controlInfo(),
    "scheduler": lambda d: d.schedulerParameters(),
    "scheduler type": lambda d: d.schedulerType(),
    "memory parameters": lambda d: d.memoryParameters(0),
    "block parameters": lambda d: d.blkioParameters(0),
    "numa": lambda d: d.numaParameters(0),
    "block statistics": lambda d: len(d.blockStats("vda")),
    "block info": lambda d: d.blockInfo("vda"),
    "block iotune": lambda d: d.blockIoTune("vda", 0),
    "block job": lambda d: d.blockJobInfo("vda", 0),
    "interface statistics": lambda d: len(d.interfaceStats("net0")),
    "interface parameters": lambda d: d.interfaceParameters("net0", 0),
    "interfaces": lambda d: d.interfaceAddresses(0),
    "memory statistics": lambda d: sorted(d.memoryStats()),
    "disk errors": lambda d: d.diskErrors(),
    "file systems": lambda d: len(d.fsInfo()),
    "time": lambda d: sorted(d.getTime()),
    "host name": lambda d: d.hostname(0),
    "users": lambda d: d.guestInfo(1, 0),
    "guest vcpus": lambda d: d.guestVcpus(),
    "io threads": lambda d: d.ioThreadInfo(0),
    "emulator pin": lambda d: d.emulatorPinInfo(0),
    "vcpu pin": lambda d: d.vcpuPinInfo(0),
    "cpu statistics": lambda d: len(d.getCPUStats(True, 0)),
    "security label": lambda d: d.securityLabel(),
    "security labels": lambda d: d.securityLabelList(),
    "launch security": lambda d: d.launchSecurityInfo(0),
    "perf": lambda d: d.perfEvents(0),
    "messages": lambda d: d.messages(0),
    "peek": lambda d: d.memoryPeek(0, 8, 1),
    "block peek": lambda d: d.blockPeek("vda", 0, 8, 0),
    "maximum downtime": lambda d: d.migrateGetMaxDowntime(0),
    "backup": lambda d: d.backupGetXMLDesc(0),
}
writes = {
    "start": lambda d: d.create(),
    "suspend": lambda d: d.suspend(),
    "resume": lambda d: d.resume(),
    "reboot": lambda d: d.reboot(0),
    "reset": lambda d: d.reset(0),
    "save": lambda d: d.managedSave(0),
    "remove save": lambda d: d.managedSaveRemove(0),
    "set memory": lambda d: d.setMemory(1024),
    "set vcpus": lambda d: d.setVcpus(1),
    "set autostart": lambda d: d.setAutostart(1),
    "set metadata": lambda d: d.setMetadata(1, "x", None, None, 0),
    "rename": lambda d: d.rename("x", 0),
    "snapshot": lambda d: d.snapshotCreateXML("<domainsnapshot/>", 0),
    "attach": lambda d: d.attachDevice("<disk/>"),
    "inject": lambda d: d.injectNMI(0),
    "dump": lambda d: d.coreDump("/dev/null", 0),
    "shutdown": lambda d: d.shutdown(),
    "destroy": lambda d: d.destroy(),
    "undefine": lambda d: d.undefine(),
}


def all_reads(kind, handle):
    for name, call in reads.items():
        ask(f"{kind}: {name}", call, handle)


all_reads("stopped", guest)
guest.create()
all_reads("running", guest)
same = other.lookupByName("guest")
ask("the handle knows its id", guest.ID)
ask("another's handle knows its id", same.ID)
guest.destroy()
ask("a destroyed one's id", guest.ID)
ask("another's handle of it", same.ID)
ask("another's handle: state", same.state)
for name in ("suspend", "resume", "reboot", "reset", "shutdown", "destroy", "save", "inject", "dump", "set memory"):
    ask(f"stopped: {name}", writes[name], guest)
guest.undefine()
all_reads("undefined", guest)
for name, call in writes.items():
    ask(f"undefined: {name}", call, guest)
ask("undefined: name", guest.name)
ask("undefined: by uuid", connection.lookupByUUIDString, uuid)
ask("undefined: by name", connection.lookupByName, "guest")

anew = other.defineXML(domain_xml("another name", uuid))
ask("a new domain with the old uuid, by the old handle", guest.state)
ask("its name, by the old handle", guest.name)
ask("its definition, by the old handle", lambda: "another name" in guest.XMLDesc(0))
anew.undefine()
anew = other.defineXML(domain_xml("guest", numbered_uuid(2)))
ask("a new domain with the old name, by the old handle", guest.state)
anew.create()
old_id = anew.ID()
anew.destroy()
anew.create()
ask("ids are not used again", lambda: anew.ID() > old_id)
ask("the old id", lambda: connection.lookupByID(old_id))
ask("the new id", lambda: connection.lookupByID(anew.ID()).name())
anew.destroy()
stale = connection.lookupByName("guest")
anew.rename("renamed", 0)
ask("a handle from before the renaming", lambda: (stale.name(), stale.isActive()))
ask("starting it", stale.create)
ask("the old name", connection.lookupByName, "guest")
ask("the new name", lambda: connection.lookupByName("renamed").isActive())
anew.destroy()

snapshot = anew.snapshotCreateXML("<domainsnapshot><name>s</name></domainsnapshot>", 0)
snapshot.delete(0)
for name, call in {
    "xml": lambda: snapshot.getXMLDesc(0),
    "delete": lambda: snapshot.delete(0),
    "revert": lambda: anew.revertToSnapshot(snapshot),
    "parent": lambda: snapshot.getParent(0),
    "children": lambda: snapshot.numChildren(0),
    "is current": lambda: snapshot.isCurrent(0),
    "has metadata": lambda: snapshot.hasMetadata(0),
}.items():
    ask(f"a deleted snapshot: {name}", call)

for number in range(20):
    (connection if number % 2 else other).defineXML(domain_xml(f"turn{number}", numbered_uuid(10 + number)))
    ask(f"in turns: {number}", lambda: (other if number % 2 else connection).lookupByName(f"turn{number}").isPersistent())
ask("in turns: all", lambda: len([1 for each in connection.listAllDomains() if each.name().startswith("turn")]))

last = connection.lookupByName("turn0")
ask("flags that are none: create", last.createWithFlags, 1 << 20)
ask("flags that are none: xml", last.XMLDesc, 1 << 20)
ask("flags that are none: state", last.state, 1)
ask("flags that are none: undefine", last.undefineFlags, 1 << 20)
ask("flags that are none: define", connection.defineXMLFlags, domain_xml("x"), 1 << 20)
ask("flags that are none: create XML", connection.createXML, domain_xml("x"), 1 << 20)
ask("flags that are none: vcpus", last.setVcpusFlags, 1, 1 << 20)
ask("flags that exclude each other", last.setVcpusFlags, 1, 4 | 8)
ask("no vcpus", last.setVcpus, 0)
ask("no memory", last.setMemory, 0)
ask("too much memory", last.setMemory, 1 << 40)

host = {
    "type": connection.getType,
    "version": connection.getVersion,
    "library": connection.getLibVersion,
    "uri": lambda: len(connection.getURI()) > 0,
    "maximum vcpus": lambda: connection.getMaxVcpus(None),
    "maximum vcpus of xen": lambda: connection.getMaxVcpus("xen"),
    "info": connection.getInfo,
    "free memory": connection.getFreeMemory,
    "cells": lambda: connection.getCellsFreeMemory(0, 2),
    "cells beyond": lambda: connection.getCellsFreeMemory(7, 1),
    "cpu map": lambda: connection.getCPUMap(0),
    "cpu statistics": lambda: sorted(connection.getCPUStats(-1, 0)),
    "cpu statistics beyond": lambda: connection.getCPUStats(99, 0),
    "memory statistics": lambda: sorted(connection.getMemoryStats(-1, 0)),
    "memory statistics beyond": lambda: connection.getMemoryStats(99, 0),
    "security model": connection.getSecurityModel,
    "sysinfo": lambda: connection.getSysinfo(0),
    "sysinfo flags": lambda: connection.getSysinfo(1),
    "capabilities": lambda: "<capabilities>" in connection.getCapabilities(),
    "domain capabilities": lambda: len(connection.getDomainCapabilities(None, None, None, None, 0)),
    "compare cpu": lambda: connection.compareCPU("<cpu/>", 0),
    "baseline cpu": lambda: connection.baselineCPU(["<cpu/>"], 0),
    "from native": lambda: connection.domainXMLFromNative("x", "y", 0),
    "to native": lambda: connection.domainXMLToNative("x", "y", 0),
    "pages": lambda: connection.getFreePages([4], 0, 1, 0),
    "memory parameters": lambda: connection.getMemoryParameters(0),
    "suspend the host": lambda: connection.suspendForDuration(0, 60, 0),
    "restore from nowhere": lambda: connection.restore("/nonexistent"),
    "look into a save from nowhere": lambda: connection.saveImageGetXMLDesc("/nonexistent", 0),
    "networks": lambda: connection.numOfNetworks() >= 0,
    "begin change": lambda: connection.changeBegin(0),
    "identity": lambda: connection.setIdentity({}, 0),
    "identity with a name": lambda: connection.setIdentity({"user-name": "x"}, 0),
}
for name, call in host.items():
    ask(f"host: {name}", call)
for place in ("test:///nowhere", "test://", "test:///", "nosuch:///", "nosuch:///x"):
    ask(f"open {place}", lambda: libvirt.open(uri.replace("test+unix:///default", place.replace(":", "+unix:", 1), 1)))
ask("close", other.close)
ask("a closed connection", other.getLibVersion)
ask("close, again", other.close)
