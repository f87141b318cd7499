"""The daemon goes away: what those hear who are connected, and what their calls come to then."""

import libvirt
from asking import *

turn_events()
connection = libvirt.open(uri)
deaf = libvirt.open(uri)
silent = libvirt.open(uri)
domain = connection.lookupByName("test")
closings = []
events = []
left = []
ask("close callback", connection.registerCloseCallback, lambda c, reason, opaque: closings.append((reason, opaque)), "opaque")
deaf.registerCloseCallback(lambda c, reason, opaque: left.append(reason), None)
ask("no close callback", deaf.unregisterCloseCallback)
identity = connection.domainEventRegisterAny(None, 0, lambda *args: events.append(shown(args[1:-1])), None)

say("stop", "now")
until(lambda: closings, "the close callback")
until(lambda: not deaf.isAlive() and not silent.isAlive(), "the end of the others")
say("closed", closings)
say("without a close callback", left)
say("events", events)
ask("alive", connection.isAlive)
ask("a call", connection.getLibVersion)
ask("a call about a domain", domain.state)
ask("the domain's name", domain.name)
ask("a call again", domain.suspend)
ask("a stream", lambda: domain.screenshot(connection.newStream(), 0))
ask("registering", lambda: connection.domainEventRegisterAny(domain, 1, lambda *_: None, None) >= 0)
ask("deregistering", connection.domainEventDeregisterAny, identity)
ask("no close callback then", connection.unregisterCloseCallback)
ask("close", connection.close)
