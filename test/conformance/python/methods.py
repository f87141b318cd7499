"""Every method of networks, pools, volumes, secrets, devices, interfaces, filters and streams, with right and wrong arguments."""

import inspect

import libvirt
from asking import *

turn_events()
connection = libvirt.open(uri)
other = libvirt.open(uri)
heard = []
asked = set()

OF_PYTHON = {"c_pointer", "connect"}
"""What asks no server."""
EVENTS_OF = {
    "network": connection.networkEventRegisterAny,
    "storagePool": connection.storagePoolEventRegisterAny,
    "nodeDevice": connection.nodeDeviceEventRegisterAny,
    "secret": connection.secretEventRegisterAny,
}
for kind, register in EVENTS_OF.items():
    for number in range(2):
        def hear(_connection, thing, *rest, kind=kind, number=number):
            heard.append((kind, number, shown(thing)) + rest[:-1])

        ask(f"events of {kind} {number}", lambda: register(None, number, hear, None) >= 0)


def step(key, call, *args):
    result = answer(call, *args)
    drain(connection, other)
    say(key, (result, list(heard)))
    heard.clear()


def every(thing, calls):
    """Calls methods of an object, each with each of its lists of arguments, in order."""
    kind = type(thing).__name__
    for name, lists in calls:
        asked.add((type(thing), name))
        for number, arguments in enumerate(lists):
            step(f"{kind}.{name} {number}", getattr(thing, name), *arguments)


def network_xml(name, number, inside=""):
    return f"<network><name>{name}</name><uuid>{numbered_uuid(number)}</uuid><bridge name='virbr{number}'/>{inside}</network>"


PORT = f"<networkport><uuid>{numbered_uuid(77)}</uuid><owner><name>test</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid></owner><mac address='52:54:00:7b:35:93'/></networkport>"
HOST = "<host mac='52:54:00:11:22:33' ip='192.168.9.9'/>"

network = connection.networkDefineXML(
    network_xml("nine", 9, "<ip address='192.168.9.1' netmask='255.255.255.0'><dhcp><range start='192.168.9.2' end='192.168.9.99'/></dhcp></ip>")
)
every(
    network,
    [
        ("name", [()]),
        ("UUID", [()]),
        ("UUIDString", [()]),
        ("XMLDesc", [(), (1,), (2,), (99,), (-1,), ("x",)]),
        ("autostart", [()]),
        ("setAutostart", [(1,), (0,), (7,), ("x",)]),
        ("create", [(), ()]),
        ("setAutostart", [(1,)]),
        ("autostart", [()]),
        ("isActive", [()]),
        ("isPersistent", [()]),
        ("bridgeName", [()]),
        ("DHCPLeases", [(), ("52:54:00:11:22:33",), ("nonsense",), (None, 1), (7,)]),
        (
            "update",
            [
                (3, 4, 0, HOST, 0),
                (3, 4, 0, HOST, 3),
                (3, 4, 99, HOST, 0),
                (99, 4, 0, HOST, 0),
                (0, 4, 0, HOST, 0),
                (3, 99, 0, HOST, 0),
                (2, 4, 0, HOST, 0),
                (2, 4, 0, HOST, 0),
                (3, 4, 0, "<host", 0),
                (3, 4, 0, "", 0),
                (3, 4, 0, HOST, 1 << 20),
                (3, 4, 0, None, 0),
            ],
        ),
        ("portCreateXML", [(PORT,), (PORT, 1), (PORT, 8), ("<networkport/>",), ("",), (None,)]),
        ("portLookupByUUIDString", [(numbered_uuid(77),), (numbered_uuid(78),), ("nonsense",)]),
        ("portLookupByUUID", [(bytes(16),), (b"short",)]),
        ("listAllPorts", [(), (1,)]),
        ("XMLDesc", [(), (1,)]),
        ("destroy", [(), ()]),
        ("isActive", [()]),
        ("bridgeName", [()]),
        ("undefine", [(), ()]),
        ("isPersistent", [()]),
        ("update", [(3, 4, 0, HOST, 0)]),
        ("listAllPorts", [()]),
    ],
)
for flags in (0, 1, 2, 1 << 20):
    step(f"network: create with flags {flags}", connection.networkCreateXMLFlags, network_xml("ten", 10), flags)
    step(f"network: define with flags {flags}", connection.networkDefineXMLFlags, network_xml("eleven", 11), flags)
step("network: lists", lambda: (sorted(connection.listNetworks()), sorted(connection.listDefinedNetworks())))
step("network: numbers", lambda: (connection.numOfNetworks(), connection.numOfDefinedNetworks()))
step("network: by uuid", connection.networkLookupByUUID, bytes(16))
step("network: by a short uuid", connection.networkLookupByUUID, b"x")
step("network: by no uuid", connection.networkLookupByUUIDString, "x")
for name in ("", "a/b", "é", "x" * 1000):
    step(f"network: by name {name[:5]}", connection.networkLookupByName, name)

POOL = f"<pool type='dir'><name>pool</name><uuid>{numbered_uuid(20)}</uuid><target><path>/pool</path></target></pool>"


def volume_xml(name, capacity="1048576", inside=""):
    return f"<volume><name>{name}</name><capacity>{capacity}</capacity>{inside}</volume>"


pool = connection.storagePoolDefineXML(POOL)
every(
    pool,
    [
        ("name", [()]),
        ("UUID", [()]),
        ("UUIDString", [()]),
        ("XMLDesc", [(), (1,), (99,), (-1,)]),
        ("info", [()]),
        ("autostart", [()]),
        ("setAutostart", [(1,), (0,), (7,)]),
        ("build", [(), (1,), (2,), (4,), (8,), (6,), (1 << 20,)]),
        ("create", [(), (), (1,), (2,), (1 << 20,)]),
        ("isActive", [()]),
        ("isPersistent", [()]),
        ("info", [()]),
        ("refresh", [(), (1,)]),
        ("createXML", [(volume_xml("one"),), (volume_xml("two"), 1), (volume_xml("three"), 2), (volume_xml("four"), 99), ("<volume/>",), ("",), (None,)]),
        ("numOfVolumes", [()]),
        ("storageVolLookupByName", [("one",), ("none",), ("",), (None,)]),
        ("build", [()]),
        ("delete", [()]),
        ("undefine", [()]),
    ],
)
step("pool: lists", lambda: (sorted(pool.listVolumes()), sorted(each.name() for each in pool.listAllVolumes())))
step("pool: list with flags", pool.listAllVolumes, 1)
volume = pool.storageVolLookupByName("one")
for name, call in {
    "clone": lambda: pool.createXMLFrom(volume_xml("clone"), volume),
    "clone again": lambda: pool.createXMLFrom(volume_xml("clone"), volume),
    "clone, smaller": lambda: pool.createXMLFrom(volume_xml("small", "1"), volume),
    "clone with a flag": lambda: pool.createXMLFrom(volume_xml("flagged"), volume, 1),
    "clone with wrong flags": lambda: pool.createXMLFrom(volume_xml("wrong"), volume, 1 << 20),
    "clone of nothing": lambda: pool.createXMLFrom(volume_xml("wrong"), None),
    "clone without a name": lambda: pool.createXMLFrom("<volume/>", volume),
}.items():
    step(f"pool: {name}", call)
every(
    volume,
    [
        ("name", [()]),
        ("key", [()]),
        ("path", [()]),
        ("XMLDesc", [(), (1,)]),
        ("info", [()]),
        ("infoFlags", [(), (1,), (2,)]),
        ("storagePoolLookupByVolume", [()]),
        ("resize", [(2097152,), (1,), (1048576, 1), (1048576, 2), (1048576, 4), (0,), (1 << 63,), (4096, 1 << 20)]),
        ("wipe", [(), (1,)]),
        ("wipePattern", [(0,), (1,), (8,), (99,), (0, 1)]),
        ("upload", [(connection.newStream(), 0, 0), (connection.newStream(), 0, 10, 1), (connection.newStream(), 0, 0, 99), (None, 0, 0)]),
        ("download", [(connection.newStream(), 0, 0), (connection.newStream(), 5, 10, 1), (connection.newStream(), 0, 0, 99), (None, 0, 0)]),
        ("delete", [(1,), (2,), (99,), (), ()]),
        ("path", [()]),
        ("resize", [(1,)]),
        ("wipe", [()]),
        ("storagePoolLookupByVolume", [()]),
    ],
)
every(
    pool,
    [
        (name, [()])
        for name in ("destroy", "destroy", "info", "refresh", "listVolumes", "listAllVolumes", "numOfVolumes", "createXML", "createXMLFrom", "storageVolLookupByName", "delete", "undefine", "undefine", "XMLDesc", "UUID", "UUIDString", "name", "autostart", "setAutostart", "build", "create", "isActive", "isPersistent")
    ],
)
for flags in (0, 1, 2, 4, 6, 1 << 20):
    step(f"pool: create with flags {flags}", connection.storagePoolCreateXML, POOL.replace(">pool<", f">made{flags}<").replace(numbered_uuid(20), numbered_uuid(30 + flags % 10)), flags)
step("pool: define with a flag", connection.storagePoolDefineXML, POOL, 1)
step("pool: define with another", connection.storagePoolDefineXML, POOL, 2)
step("pool: lists of names", lambda: (sorted(connection.listStoragePools()), sorted(connection.listDefinedStoragePools())))
step("pool: numbers", lambda: (connection.numOfStoragePools(), connection.numOfDefinedStoragePools()))
for path in ("/pool", "/none", "", "/default-pool"):
    step(f"pool: by path {path}", connection.storagePoolLookupByTargetPath, path)
step("pool: by uuid", connection.storagePoolLookupByUUID, bytes(16))
step("pool: by no uuid", connection.storagePoolLookupByUUIDString, "x")
for kind in ("dir", "logical", "iscsi", "netfs", "nonsense", ""):
    step(f"pool: sources of {kind}", connection.findStoragePoolSources, kind, None)
    step(f"pool: sources of {kind} somewhere", connection.findStoragePoolSources, kind, "<source><host name='localhost'/></source>")
step("pool: capabilities", connection.getStoragePoolCapabilities)
step("pool: capabilities with a flag", connection.getStoragePoolCapabilities, 1)

SECRET = f"<secret ephemeral='no' private='no'><uuid>{numbered_uuid(40)}</uuid><usage type='volume'><volume>/v</volume></usage></secret>"
for name, call in {
    "define": lambda: connection.secretDefineXML(SECRET),
    "define with a flag": lambda: connection.secretDefineXML(SECRET, 1),
    "list": lambda: connection.listAllSecrets(),
    "names": lambda: connection.listSecrets(),
    "number": lambda: connection.numOfSecrets(),
    "by uuid": lambda: connection.secretLookupByUUID(bytes(16)),
    "by uuid in words": lambda: connection.secretLookupByUUIDString(numbered_uuid(40)),
    "by no uuid": lambda: connection.secretLookupByUUIDString("x"),
    "by usage": lambda: connection.secretLookupByUsage(1, "/v"),
    "by a wrong usage": lambda: connection.secretLookupByUsage(99, "/v"),
}.items():
    step(f"secret: {name}", call)

FILTER = "<filter name='f'><rule action='drop' direction='in'/></filter>"
BINDING = "<filterbinding><owner><name>test</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid></owner><portdev name='vnet0'/><mac address='52:54:00:7b:35:93'/><filterref filter='f'/></filterbinding>"
for name, call in {
    "define": lambda: connection.nwfilterDefineXML(FILTER),
    "define with a flag": lambda: connection.nwfilterDefineXMLFlags(FILTER, 1),
    "list": lambda: connection.listAllNWFilters(),
    "names": lambda: connection.listNWFilters(),
    "number": lambda: connection.numOfNWFilters(),
    "by name": lambda: connection.nwfilterLookupByName("f"),
    "by uuid": lambda: connection.nwfilterLookupByUUID(bytes(16)),
    "by uuid in words": lambda: connection.nwfilterLookupByUUIDString(numbered_uuid(1)),
    "bindings": lambda: connection.listAllNWFilterBindings(),
    "bind": lambda: connection.nwfilterBindingCreateXML(BINDING),
    "binding": lambda: connection.nwfilterBindingLookupByPortDev("vnet0"),
}.items():
    step(f"filter: {name}", call)

VPORT = (
    "<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>"
    "<wwnn>20000000c9831b4b</wwnn><wwpn>10000000c9831b4b</wwpn></capability></capability></device>"
)
device = connection.nodeDeviceCreateXML(VPORT)
drain(connection, other)
say("device: created", (shown(device), list(heard)))
heard.clear()
every(
    device,
    [
        ("name", [()]),
        ("parent", [()]),
        ("XMLDesc", [(), (1,)]),
        ("numOfCaps", [()]),
        ("listCaps", [()]),
        ("isActive", [()]),
        ("isPersistent", [()]),
        ("autostart", [()]),
        ("setAutostart", [(1,)]),
        ("create", [(), (1,)]),
        ("undefine", [(), (1,)]),
        ("dettach", [()]),
        ("detachFlags", [(None,), ("vfio", 1)]),
        ("reAttach", [()]),
        ("reset", [()]),
        ("destroy", [(), ()]),
        ("XMLDesc", [()]),
        ("parent", [()]),
        ("isActive", [()]),
    ],
)
step("device: with a flag", connection.nodeDeviceCreateXML, VPORT, 2)
step("device: define", connection.nodeDeviceDefineXML, VPORT)
step("device: by its address", connection.nodeDeviceLookupSCSIHostByWWN, "2000000012341234", "1000000012341234")
step("device: by no address", connection.nodeDeviceLookupSCSIHostByWWN, "1", "2")
step("device: by its address, with a flag", connection.nodeDeviceLookupSCSIHostByWWN, "2000000012341234", "1000000012341234", 1)
for capability in (None, "system", "scsi_host", "net", "nonsense", ""):
    step(f"device: of {capability}", lambda: sorted(connection.listDevices(capability)))
    step(f"device: number of {capability}", connection.numOfDevices, capability)
step("device: of system, with a flag", connection.listDevices, "system", 1)
for flags in (1, 2, 1 << 10, 1 << 20, 1 << 31):
    step(f"device: list {flags}", lambda: sorted(each.name() for each in connection.listAllDevices(flags)))

INTERFACE = "<interface type='ethernet' name='eth7'><start mode='onboot'/><mac address='aa:bb:cc:dd:ee:77'/></interface>"
interface = connection.interfaceDefineXML(INTERFACE)
every(
    interface,
    [
        ("name", [()]),
        ("MACString", [()]),
        ("XMLDesc", [(), (1,), (99,)]),
        ("isActive", [()]),
        ("create", [(1,), (), ()]),
        ("isActive", [()]),
        ("destroy", [(1,), (), ()]),
        ("undefine", [(), ()]),
        ("XMLDesc", [()]),
        ("MACString", [()]),
    ],
)
step("interface: define with a flag", connection.interfaceDefineXML, INTERFACE, 1)
step("interface: define with another", connection.interfaceDefineXML, INTERFACE, 2)
for name in ("", "none", "eth1"):
    step(f"interface: by name {name}", connection.interfaceLookupByName, name)
    step(f"interface: by address {name}", connection.interfaceLookupByMACString, name)
step("interface: lists", lambda: (sorted(connection.listInterfaces()), sorted(connection.listDefinedInterfaces())))
step("interface: numbers", lambda: (connection.numOfInterfaces(), connection.numOfDefinedInterfaces()))
for flags in (1, 2, 3, 4):
    step(f"interface: list {flags}", lambda: sorted(each.name() for each in connection.listAllInterfaces(flags)))


def changed(call, *args):
    """What there is afterwards, too: a roll-back takes things back."""
    step(f"change: {call.__name__} {args}", call, *args)
    step("change: then there are", lambda: sorted(each.name() for each in connection.listAllInterfaces()))


changed(connection.changeBegin, 1)
changed(connection.changeBegin, 0)
changed(connection.interfaceDefineXML, INTERFACE.replace("eth7", "eth8"))
changed(connection.changeRollback, 1)
changed(connection.changeRollback)
changed(connection.changeRollback)
changed(connection.changeBegin)
changed(connection.interfaceDefineXML, INTERFACE.replace("eth7", "eth9"))
changed(connection.changeCommit, 1)
changed(connection.changeCommit)
changed(connection.changeCommit)

domain = connection.lookupByName("test")


def picture():
    stream = connection.newStream()
    domain.screenshot(stream, 0)
    return stream


def all_of(how):
    """By a method that takes a handler: what it got is no one's business, only that it got something, and how it ended."""
    got = []
    stream = picture()
    result = answer(getattr(stream, how), lambda _stream, data, _opaque: got.append(len(data)), *holes(how), None)
    end = answer(stream.finish if result is None else stream.abort)
    return (sum(got) > 0, result, end)


def holes(how):
    return [lambda _stream, length, _opaque: None] if how == "sparseRecvAll" else []


class Broken(Exception):
    pass


def breaking(*_):
    raise Broken("in the middle")


def caught(call, *args):
    try:
        return answer(call, *args)
    except Broken as failure:
        return ("raised", str(failure))


for how in ("recvAll", "sparseRecvAll"):
    step(f"virStream.{how}", all_of, how)
    step(f"virStream.{how}, broken off", lambda: caught(getattr(picture(), how), breaking, *holes(how), None))
    step(f"virStream.{how}, of nothing", lambda: getattr(connection.newStream(), how)(lambda *_: 0, *holes(how), None))
step("virStream.recvFlags", lambda: (len(picture().recvFlags(10)), len(picture().recvFlags(10, 1)), answer(picture().recvFlags, 10, 2)))
step("virStream.recvFlags, none", lambda: picture().recv(0))
step("virStream.recvHole, of a picture", lambda: picture().recvHole())
step("virStream.sendHole, into a picture", lambda: picture().sendHole(10))
step("virStream.sendAll, of nothing", lambda: connection.newStream().sendAll(lambda *_: b"", None))
step("virStream.sendAll, broken off", lambda: caught(picture().sendAll, breaking, None))
step("virStream.sparseSendAll, broken off", lambda: caught(picture().sparseSendAll, breaking, lambda *_: (True, 3), lambda *_: 0, None))
step("still there", lambda: connection.getLibVersion() > 0)


def watched(events):
    """A callback is told of what it has asked for, until it is taken away."""
    stream = connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
    domain.screenshot(stream, 0)
    told = []
    stream.eventAddCallback(events, lambda _stream, event, _opaque: told.append(event), None)
    again = answer(stream.eventAddCallback, events, lambda *_: None, None)
    until(lambda: told, "an event of a stream")
    update = answer(stream.eventUpdateCallback, 0)
    removal = answer(stream.eventRemoveCallback)
    twice = answer(stream.eventRemoveCallback)
    stream.abort()
    return (told[0], again, update, removal, twice)


step("virStream.eventAddCallback", watched, libvirt.VIR_STREAM_EVENT_READABLE)
ended = picture()
ended.abort()
for name, arguments in {
    "recv": (10,),
    "recvFlags": (10, 0),
    "recvHole": (),
    "send": (b"x",),
    "sendHole": (1,),
    "finish": (),
    "abort": (),
    "eventAddCallback": (1, lambda *_: None, None),
    "eventUpdateCallback": (1,),
    "eventRemoveCallback": (),
}.items():
    step(f"virStream.{name}, aborted", getattr(ended, name), *arguments)

for kind in (libvirt.virNetwork, libvirt.virStoragePool, libvirt.virStorageVol, libvirt.virNodeDevice, libvirt.virInterface):
    methods = {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("__")}
    forgotten = methods - OF_PYTHON - {name for each, name in asked if each is kind}
    if forgotten:
        raise RuntimeError(f"{kind.__name__} has methods that nobody asks: {sorted(forgotten)}")
