"""Which events each change of a domain leads to, in which order, and what a domain looks like in them."""

import libvirt
from asking import *

turn_events()
connection = libvirt.open(uri)
other = libvirt.open(uri)
heard = []
heard_of_one = []
heard_elsewhere = []


def listen(into, name):
    def hear(_connection, domain, *rest):
        into.append((name, shown(domain)) + tuple(shown(rest[:-1])))

    return hear


for number, name in EVENTS:
    ask(f"register {name}", lambda: connection.domainEventRegisterAny(None, number, listen(heard, name), None) >= 0)
for number, name in EVENTS:
    other.domainEventRegisterAny(None, number, listen(heard_elsewhere, name), None)

one = connection.lookupByName("test")
for number, name in EVENTS:
    connection.domainEventRegisterAny(one, number, listen(heard_of_one, name), None)


def step(key, call, *args):
    result = answer(call, *args)
    drain(connection, other)
    # Within one change the kinds are told in the order of their happening.
    say(key, (result, list(heard)))
    if heard != heard_elsewhere:
        say(key + " (elsewhere)", list(heard_elsewhere))
    if heard_of_one != [each for each in heard if each[1][0].startswith("test")]:
        say(key + " (of one)", list(heard_of_one))
    heard.clear()
    heard_of_one.clear()
    heard_elsewhere.clear()


uuid = numbered_uuid(1)
xml = domain_xml("guest", uuid)
step("define", connection.defineXML, xml)
guest = connection.lookupByName("guest")
step("define again", connection.defineXML, xml)
step("define, changed", connection.defineXML, domain_xml("guest", uuid, "<title>new</title>"))
step("define, same uuid", connection.defineXML, domain_xml("guest2", uuid))
step("rename", guest.rename, "renamed", 0)
step("rename to itself", guest.rename, "renamed", 0)
step("rename to another's", guest.rename, "test", 0)
guest = connection.lookupByUUIDString(uuid)
step("start", guest.create)
step("start again", guest.create)
step("define while running", connection.defineXML, domain_xml("renamed", uuid, "<title>next</title>"))
step("rename while running", guest.rename, "again", 0)
for name in ("suspend", "suspend", "resume", "resume", "reboot", "reset", "shutdown", "shutdown"):
    step(name, *([getattr(guest, name), 0] if name in ("reboot", "reset") else [getattr(guest, name)]))
step("start paused", guest.createWithFlags, libvirt.VIR_DOMAIN_START_PAUSED)
step("destroy paused", guest.destroy)
step("start with flags", guest.createWithFlags, libvirt.VIR_DOMAIN_START_AUTODESTROY)
step("destroy gracefully", guest.destroyFlags, libvirt.VIR_DOMAIN_DESTROY_GRACEFUL)
step("destroy stopped", guest.destroy)
step("start for shutdownFlags", guest.create)
for flags in (1, 2, 4, 8, 16, 3, 1024):
    step(f"shutdownFlags {flags}", guest.shutdownFlags, flags)
    if not guest.isActive():
        step(f"start after {flags}", guest.create)
for flags in (1, 2, 4, 8, 16, 3, 1024):
    step(f"reboot {flags}", guest.reboot, flags)
    if not guest.isActive():
        step(f"start after reboot {flags}", guest.create)
step("pmSuspend mem", guest.pMSuspendForDuration, 0, 0, 0)
step("pmSuspend disk", guest.pMSuspendForDuration, 1, 0, 0)
step("pmWakeup", guest.pMWakeup, 0)
step("injectNMI", guest.injectNMI, 0)
step("sendKey", guest.sendKey, 0, 0, [1, 2], 2, 0)
step("coreDump", guest.coreDump, "/dev/null", libvirt.VIR_DUMP_CRASH)
if not guest.isActive():
    step("start after coreDump", guest.create)
step("coreDump live", guest.coreDump, "/dev/null", libvirt.VIR_DUMP_LIVE)
step("coreDump reset", guest.coreDump, "/dev/null", libvirt.VIR_DUMP_RESET)
step("managedSave", guest.managedSave, 0)
step("managedSave again", guest.managedSave, 0)
step("start from managedSave", guest.create)
step("managedSave paused", guest.managedSave, libvirt.VIR_DOMAIN_SAVE_PAUSED)
step("managedSaveRemove", guest.managedSaveRemove, 0)
step("managedSaveRemove again", guest.managedSaveRemove, 0)
step("start afresh", guest.create)
step("start with force", guest.createWithFlags, libvirt.VIR_DOMAIN_START_FORCE_BOOT)
step("save nowhere", guest.save, "/nonexistent/file")
step("metadata title", guest.setMetadata, libvirt.VIR_DOMAIN_METADATA_TITLE, "T", None, None, 0)
step("metadata description", guest.setMetadata, libvirt.VIR_DOMAIN_METADATA_DESCRIPTION, "D", None, None, 3)
step("metadata element", guest.setMetadata, libvirt.VIR_DOMAIN_METADATA_ELEMENT, "<a/>", "k", "http://x/", 2)
step("metadata element gone", guest.setMetadata, libvirt.VIR_DOMAIN_METADATA_ELEMENT, None, "k", "http://x/", 2)
step("metadata no kind", guest.setMetadata, 7, "T", None, None, 0)
step("metadata title, two lines", guest.setMetadata, libvirt.VIR_DOMAIN_METADATA_TITLE, "a\nb", None, None, 0)
step("autostart", guest.setAutostart, 1)
step("memory", guest.setMemory, 4096)
step("max memory", guest.setMaxMemory, 8192)
step("vcpus", guest.setVcpusFlags, 1, 2)
step("scheduler", guest.setSchedulerParametersFlags, {"weight": 100}, 0)
disk = "<disk type='file' device='disk'><source file='/a'/><target dev='vdb' bus='virtio'/></disk>"
step("attach", guest.attachDevice, disk)
step("attach config", guest.attachDeviceFlags, disk, 2)
step("update", guest.updateDeviceFlags, disk, 0)
step("detach", guest.detachDevice, disk)
step("detach alias", guest.detachDeviceAlias, "virtio-disk0", 0)
step("agent: freeze", guest.fsFreeze)
step("agent: thaw", guest.fsThaw)
step("agent: trim", guest.fSTrim, None, 0, 0)
step("agent: time", guest.setTime, {"seconds": 5, "nseconds": 0})
step("agent: password", guest.setUserPassword, "u", "p")
step("agent: host name", guest.hostname, 0)
step("agent: info", guest.guestInfo, 0, 0)
step("blockPull", guest.blockPull, "vda", 0, 0)
step("abortJob", guest.abortJob)
step("snapshot", guest.snapshotCreateXML, "<domainsnapshot><name>s1</name></domainsnapshot>", 0)
step("suspend before the second", guest.suspend)
step("snapshot of paused", guest.snapshotCreateXML, "<domainsnapshot><name>s2</name></domainsnapshot>", 0)
step("snapshot, then halt", guest.snapshotCreateXML, "<domainsnapshot><name>s3</name></domainsnapshot>", libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_HALT)
step("snapshot of stopped", guest.snapshotCreateXML, "<domainsnapshot><name>s4</name></domainsnapshot>", 0)
for name in ("s1", "s2", "s1", "s4", "s4", "s2", "s4", "s1"):
    step(f"revert to {name}", lambda: guest.revertToSnapshot(guest.snapshotLookupByName(name)))
step("undefine with snapshots while running", guest.undefine)
step("delete snapshot", lambda: guest.snapshotLookupByName("s2").delete(0))
step("delete snapshots", lambda: guest.snapshotLookupByName("s1").delete(libvirt.VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN))
step("checkpoint", guest.checkpointCreateXML, "<domaincheckpoint><name>c</name></domaincheckpoint>", 0)
step("undefine with all", guest.undefineFlags, 0x1F)
step("destroy what is transient now", guest.destroy)
step("create", connection.createXML, domain_xml("brief", numbered_uuid(2)), 0)
brief = connection.lookupByName("brief")
step("create again", connection.createXML, domain_xml("brief", numbered_uuid(2)), 0)
step("undefine transient", brief.undefine)
step("define transient", connection.defineXML, domain_xml("brief", numbered_uuid(2)))
step("undefine running", brief.undefine)
step("shut down transient", brief.shutdown)
step("create paused", connection.createXML, domain_xml("brief", numbered_uuid(2)), libvirt.VIR_DOMAIN_START_PAUSED)
step("create for autodestroy", connection.createXML, domain_xml("brief", numbered_uuid(2)), libvirt.VIR_DOMAIN_START_AUTODESTROY)
step("create with flags that are none", connection.createXML, domain_xml("brief", numbered_uuid(2)), 1 << 20)
step("create anew", connection.createXML, domain_xml("brief", numbered_uuid(2)), 0)
step("destroy created", lambda: connection.lookupByName("brief").destroy())
step("suspend of one", one.suspend)
step("undefine of one", one.undefine)
step("destroy of one", one.destroy)
step("define one anew", connection.defineXML, domain_xml("test", one.UUIDString()))
step("start one anew", one.create)
# libvirt's events of these have ids of their own kind: they come last, so that no other id depends on them.
step("define the last", connection.defineXML, domain_xml("last", numbered_uuid(3)))
guest = connection.lookupByName("last")
step("snapshot of the stopped", guest.snapshotCreateXML, "<domainsnapshot><name>s4</name></domainsnapshot>", 0)
step("start the last", guest.create)
step("snapshot of the running", guest.snapshotCreateXML, "<domainsnapshot><name>s1</name></domainsnapshot>", 0)
step("snapshot of the running, too", guest.snapshotCreateXML, "<domainsnapshot><name>s2</name></domainsnapshot>", 0)
step("revert, running", lambda: guest.revertToSnapshot(guest.snapshotLookupByName("s4"), libvirt.VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING))
step("revert, paused", lambda: guest.revertToSnapshot(guest.snapshotLookupByName("s1"), libvirt.VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED))
step("revert, forced", lambda: guest.revertToSnapshot(guest.snapshotLookupByName("s2"), libvirt.VIR_DOMAIN_SNAPSHOT_REVERT_FORCE))
