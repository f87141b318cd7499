"""Networks, pools, volumes, devices and interfaces: events of their changes, stale handles, volumes as streams."""

import libvirt
from asking import *

turn_events()
connection = libvirt.open(uri)
other = libvirt.open(uri)
heard = []


def listen(kind):
    return lambda _connection, thing, *rest: heard.append((kind, thing.name()) + rest[:-1])


ask("network events", lambda: connection.networkEventRegisterAny(None, 0, listen("network"), None) >= 0)
ask("pool events", lambda: connection.storagePoolEventRegisterAny(None, 0, listen("pool"), None) >= 0)
ask("refresh events", lambda: connection.storagePoolEventRegisterAny(None, 1, listen("refresh"), None) >= 0)
ask("device events", lambda: connection.nodeDeviceEventRegisterAny(None, 0, listen("device"), None) >= 0)
ask("update events", lambda: connection.nodeDeviceEventRegisterAny(None, 1, listen("update"), None) >= 0)
ask("secret events", lambda: connection.secretEventRegisterAny(None, 0, listen("secret"), None) >= 0)
for number in (-1, 2, 99):
    ask(f"network events {number}", lambda: connection.networkEventRegisterAny(None, number, listen("none"), None))
    ask(f"pool events {number}", lambda: connection.storagePoolEventRegisterAny(None, number, listen("none"), None))
ask("network events again", lambda: connection.networkEventRegisterAny(None, 0, listen("again"), None) >= 0)
default = connection.networkLookupByName("default")
one = connection.networkEventRegisterAny(default, 0, listen("of default"), None)
ask("deregister what never was", connection.networkEventDeregisterAny, 4711)


def step(key, call, *args):
    result = answer(call, *args)
    drain(connection, other)
    say(key, (result, list(heard)))
    heard.clear()


network_uuid = numbered_uuid(1)
network = f"<network><name>net</name><uuid>{network_uuid}</uuid><bridge name='virbr7'/><ip address='192.168.7.1' netmask='255.255.255.0'/></network>"
step("network: define", connection.networkDefineXML, network)
net = other.networkLookupByName("net")
step("network: define again", connection.networkDefineXML, network)
step("network: start", net.create)
step("network: start again", net.create)
step("network: autostart", net.setAutostart, 1)
step("network: bridge", net.bridgeName)
step("network: leases", net.DHCPLeases)
step("network: undefine while active", net.undefine)
step("network: destroy", net.destroy)
step("network: destroy again", net.destroy)
step("network: define anew", connection.networkDefineXML, network)
step("network: undefine", lambda: connection.networkLookupByName("net").undefine())
step("network: undefine again", net.undefine)
for name, call in {
    "active": net.isActive,
    "persistent": net.isPersistent,
    "xml": lambda: net.XMLDesc(0),
    "autostart": net.autostart,
    "start": net.create,
    "destroy": net.destroy,
    "bridge": net.bridgeName,
}.items():
    step(f"network: gone: {name}", call)
step("network: create", connection.networkCreateXML, network.replace("net<", "brief<"))
step("network: destroy what is transient", lambda: connection.networkLookupByName("brief").destroy())
step("network: of one", default.destroy)
step("network: one again", default.create)
connection.networkEventDeregisterAny(one)
step("network: of one, unheard", default.destroy)
step("network: wrong", connection.networkDefineXML, "<network/>")
step("network: wrong root", connection.networkDefineXML, "<pool/>")
step("network: by name", connection.networkLookupByName, "none")
step("network: by uuid", connection.networkLookupByUUIDString, numbered_uuid(99))

pool_xml = f"<pool type='dir'><name>disks</name><uuid>{numbered_uuid(2)}</uuid><target><path>/disks</path></target></pool>"
step("pool: define", connection.storagePoolDefineXML, pool_xml)
pool = other.storagePoolLookupByName("disks")
step("pool: refresh while inactive", pool.refresh)
step("pool: build", pool.build)
step("pool: start", pool.create)
step("pool: start again", pool.create)
step("pool: refresh", pool.refresh)
step("pool: info", pool.info)
volume_xml = "<volume><name>vol</name><capacity unit='M'>10</capacity></volume>"
step("volume: create", pool.createXML, volume_xml)
step("volume: create again", pool.createXML, volume_xml)
volume = pool.storageVolLookupByName("vol")
step("volume: key", volume.key)
step("volume: path", volume.path)
step("volume: info", volume.info)
step("volume: by path", lambda: connection.storageVolLookupByPath(volume.path()))
step("volume: by key", lambda: connection.storageVolLookupByKey(volume.key()))
step("volume: by an unknown path", connection.storageVolLookupByPath, "/nowhere")
step("volume: upload", lambda: volume.upload(connection.newStream(), 0, 0))
step("volume: download", lambda: volume.download(connection.newStream(), 0, 0))
step("volume: download of holes", lambda: volume.download(connection.newStream(), 0, 0, 1))
step("volume: resize", volume.resize, 1 << 20)
step("volume: wipe", volume.wipe)
step("volume: clone", pool.createXMLFrom, volume_xml.replace("vol<", "copy<"), volume)
step("volume: list", lambda: sorted(pool.listVolumes()))
step("volume: delete", volume.delete)
step("volume: delete again", volume.delete)
step("volume: gone: info", volume.info)
step("volume: gone: xml", volume.XMLDesc)
step("pool: undefine while active", pool.undefine)
step("pool: destroy", pool.destroy)
step("pool: destroy again", pool.destroy)
step("volume: of a pool that is inactive", pool.listVolumes)
step("pool: delete", pool.delete)
step("pool: undefine", pool.undefine)
for name, call in {
    "active": pool.isActive,
    "info": pool.info,
    "xml": lambda: pool.XMLDesc(0),
    "refresh": pool.refresh,
    "start": pool.create,
    "undefine": pool.undefine,
    "volumes": pool.numOfVolumes,
}.items():
    step(f"pool: gone: {name}", call)
step("pool: create", connection.storagePoolCreateXML, pool_xml)
step("pool: destroy what is transient", lambda: connection.storagePoolLookupByName("disks").destroy())
for flags in (1, 2, 4, 8, 16, 32, 64, 0x3FFFF, 1 << 20):
    step(f"pool: list {flags:#x}", lambda: sorted(each.name() for each in connection.listAllStoragePools(flags)))
    step(f"network: list {flags:#x}", lambda: sorted(each.name() for each in connection.listAllNetworks(flags)))

step("device: list", lambda: sorted(each.name() for each in connection.listAllDevices()))
device = connection.nodeDeviceLookupByName("computer")
step("device: parent", device.parent)
step("device: capabilities", device.listCaps)
step("device: none", connection.nodeDeviceLookupByName, "none")
step("device: detach", device.dettach)
step("device: destroy", device.destroy)
step(
    "device: create",
    connection.nodeDeviceCreateXML,
    "<device><parent>test-scsi-host-vport</parent><capability type='scsi_host'><capability type='fc_host'>"
    "<wwnn>20000000c9831b4b</wwnn><wwpn>10000000c9831b4b</wwpn></capability></capability></device>",
)
step("device: list then", lambda: sorted(each.name() for each in connection.listAllDevices()))
step("device: destroy it", lambda: connection.nodeDeviceLookupByName("scsi_host12").destroy())

step("interface: list", lambda: sorted(each.name() for each in connection.listAllInterfaces()))
interface = connection.interfaceLookupByName("eth1")
step("interface: destroy", interface.destroy)
step("interface: destroy again", interface.destroy)
step("interface: create", interface.create)
step("interface: change", connection.changeBegin, 0)
step("interface: change again", connection.changeBegin, 0)
step("interface: roll back", connection.changeRollback, 0)
step("interface: commit", connection.changeCommit, 0)
step("interface: undefine", interface.undefine)
step("interface: gone", interface.isActive)
step("interface: by address", connection.interfaceLookupByMACString, "aa:bb:cc:dd:ee:ff")

step("secrets", connection.listSecrets)
step("filters", connection.listNWFilters)
