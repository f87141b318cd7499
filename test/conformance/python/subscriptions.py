"""Registering, deregistering and being told: who hears what, from when until when."""

import libvirt
from asking import *

turn_events()
connection = libvirt.open(uri)
other = libvirt.open(uri)
domain = connection.lookupByName("test")
heard = []


def hear(name):
    return lambda _connection, dom, event, detail, *_: heard.append((name, dom.name(), event, detail))


def change(key):
    domain.suspend()
    domain.resume()
    drain(connection, other)
    say(key, sorted(heard))
    heard.clear()


change("nobody listens")
old = hear("old")
ask("register in the old way", connection.domainEventRegister, old, None)
change("the old way")
ask("register in the old way again", connection.domainEventRegister, old, None)
ask("register twice in the old way", connection.domainEventRegister, hear("old too"), None)
change("the old way, twice")
first = connection.domainEventRegisterAny(None, 0, hear("first"), None)
ask("register the same again", lambda: connection.domainEventRegisterAny(None, 0, hear("second"), None) >= 0)
third = connection.domainEventRegisterAny(domain, 0, hear("third"), None)
say("ids are different", first != third)
change("four")
ask("deregister the first", connection.domainEventDeregisterAny, first)
change("without the first")
ask("deregister the first again", connection.domainEventDeregisterAny, first)
ask("deregister what never was", connection.domainEventDeregisterAny, 4711)
ask("deregister the old way", connection.domainEventDeregister, old)
ask("deregister the old way again", connection.domainEventDeregister, old)
change("after the old way")
ask("deregister the third", connection.domainEventDeregisterAny, third)
change("nobody listens any more")

ids = {}


def leave(_connection, _domain, event, *_):
    heard.append(("leaves", event))
    connection.domainEventDeregisterAny(ids["leaves"])


ids["leaves"] = connection.domainEventRegisterAny(None, 0, leave, None)
stays = connection.domainEventRegisterAny(domain, 0, hear("stays"), None)
domain.suspend()
drain(connection)
say("leaving inside its callback: first", sorted(map(str, heard)))
domain.resume()
drain(connection)
heard.clear()
change("leaving inside its callback: then")


def enter(_connection, _domain, event, *_):
    if "entered" not in ids:
        ids["entered"] = other.domainEventRegisterAny(None, 0, hear("entered"), None)


ids["enters"] = connection.domainEventRegisterAny(None, 0, enter, None)
domain.suspend()
domain.resume()
drain(connection, other)
heard.clear()
change("entered inside a callback")
connection.domainEventDeregisterAny(ids["enters"])
other.domainEventDeregisterAny(ids["entered"])
connection.domainEventDeregisterAny(stays)

for number in (-1, 26, 27, 28, 1000):
    ask(f"an event id that is none: {number}", lambda: connection.domainEventRegisterAny(None, number, hear("none"), None) >= 0)
gone = connection.defineXML(domain_xml("gone", numbered_uuid(1)))
gone.undefine()
ask("for a domain that is gone", lambda: connection.domainEventRegisterAny(gone, 0, hear("gone"), None) >= 0)
anew = other.defineXML(domain_xml("anew", numbered_uuid(1)))
drain(connection, other)
say("a domain with the uuid of one that is gone", heard)
heard.clear()
anew.undefine()
drain(connection, other)
heard.clear()

mine = connection.domainEventRegisterAny(None, 0, hear("mine"), None)
theirs = other.domainEventRegisterAny(None, 0, hear("theirs"), None)
change("two connections")
connection.domainEventDeregisterAny(mine)
change("two connections, one listens")
other.domainEventDeregisterAny(theirs)

guests = [connection.defineXML(domain_xml(f"many{number}", numbered_uuid(100 + number))) for number in range(20)]
many = [connection.domainEventRegisterAny(each, number, hear("many"), None) for number, _ in EVENTS for each in guests]
say("many registrations", len(set(many)))
guests[7].create()
drain(connection)
say("one of many", heard)
heard.clear()
for each in many:
    connection.domainEventDeregisterAny(each)

read_only = libvirt.openReadOnly(uri)
reads = read_only.domainEventRegisterAny(None, 0, hear("read-only"), None)
domain.suspend()
domain.resume()
drain(connection, read_only)
say("a read-only connection hears", sorted(heard))
heard.clear()
read_only.domainEventDeregisterAny(reads)
for key, call in {
    "suspend": lambda: read_only.lookupByName("test").suspend(),
    "define": lambda: read_only.defineXML(domain_xml("no")),
    "secure XML": lambda: read_only.lookupByName("test").XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE),
    "host name": lambda: read_only.lookupByName("test").hostname(0),
    "metadata": lambda: read_only.lookupByName("test").setMetadata(1, "x", None, None, 0),
    "snapshot": lambda: read_only.lookupByName("test").snapshotCreateXML("<domainsnapshot/>", 0),
    "screenshot": lambda: read_only.lookupByName("test").screenshot(read_only.newStream(), 0),
}.items():
    ask(f"read-only: {key}", call)

for kind, register in {
    "network": lambda: connection.networkEventRegisterAny(None, 0, lambda *_: None, None) >= 0,
    "pool": lambda: connection.storagePoolEventRegisterAny(None, 0, lambda *_: None, None) >= 0,
    "device": lambda: connection.nodeDeviceEventRegisterAny(None, 0, lambda *_: None, None) >= 0,
    "secret": lambda: connection.secretEventRegisterAny(None, 0, lambda *_: None, None) >= 0,
}.items():
    ask(f"events of the kind {kind}", register)

closings = []
ask("close callback", connection.registerCloseCallback, lambda *args: closings.append(shown(args[1:])), "opaque")
ask("close callback again", connection.registerCloseCallback, lambda *args: None, None)
ask("no close callback", connection.unregisterCloseCallback)
ask("no close callback again", connection.unregisterCloseCallback)
ask("close callback anew", connection.registerCloseCallback, lambda *args: closings.append(shown(args[1:])), "opaque")

ask("alive", connection.isAlive)
ask("secure", connection.isSecure)
ask("encrypted", connection.isEncrypted)
for interval, count in ((-1, 1), (0, 0), (1, 5), (60, 2)):
    ask(f"keepalive {interval} {count}", connection.setKeepAlive, interval, count)
patient = libvirt.open(uri)
ask("keepalive on another", patient.setKeepAlive, 1, 2)
time.sleep(1.5)
ask("it lives on", patient.isAlive)
ask("close it", patient.close)

last = other.domainEventRegisterAny(None, 0, hear("last"), None)
ask("close one of two that listen", other.close)
domain.suspend()
drain(connection)
say("closed, and held by its subscription", sorted(heard))
say("not closed by others", closings)
