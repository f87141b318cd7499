"""What the scripts ask with: each answer is one line, `key = value`, the same on every server that answers the same."""

import re
import sys
import threading
import time

import libvirt

uri = sys.argv[1]
libvirt.registerErrorHandler(lambda *_: None, None)

EVENTS = sorted(
    (value, name[len("VIR_DOMAIN_EVENT_ID_") :].lower())
    for name, value in vars(libvirt).items()
    if name.startswith("VIR_DOMAIN_EVENT_ID_")
)


def turn_events():
    """libvirt's own loop, in a thread, for as long as the script runs."""
    libvirt.virEventRegisterDefaultImpl()

    def turn():
        while True:
            libvirt.virEventRunDefaultImpl()

    threading.Thread(target=turn, daemon=True).start()


def drain(*connections):
    """All events of what was answered before have been told then."""
    for connection in connections:
        # The daemon's events leave before the answer to this, and are queued here before it.
        if connection.isAlive():
            connection.getLibVersion()
    for _ in range(2):
        passed = threading.Event()
        timer = libvirt.virEventAddTimeout(0, lambda *_: passed.set(), None)
        if not passed.wait(10):
            raise RuntimeError("the event loop does not turn")
        libvirt.virEventRemoveTimeout(timer)


def until(condition, what):
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("in vain: " + what)
        time.sleep(0.005)


def error(failure):
    """All of an error object."""
    return (
        failure.get_error_code(),
        failure.get_error_domain(),
        failure.get_error_level(),
        failure.get_error_message(),
        failure.get_str1(),
        failure.get_str2(),
        failure.get_str3(),
        failure.get_int1(),
        failure.get_int2(),
    )


def shown(value):
    if isinstance(value, libvirt.virDomain):
        return (value.name(), value.UUIDString(), value.ID())
    if isinstance(value, libvirt.virDomainCheckpoint):
        return "checkpoint " + value.getName()
    if isinstance(value, libvirt.virDomainSnapshot):
        return "snapshot " + value.getName()
    if isinstance(value, (libvirt.virNetwork, libvirt.virStoragePool, libvirt.virNWFilter)):
        return (type(value).__name__, value.name(), value.UUIDString())
    if isinstance(value, (libvirt.virStorageVol, libvirt.virNodeDevice, libvirt.virInterface)):
        return (type(value).__name__, value.name())
    if isinstance(value, (libvirt.virNetworkPort, libvirt.virSecret)):
        return (type(value).__name__, value.UUIDString())
    if isinstance(value, libvirt.virConnect):
        return "connection"
    if isinstance(value, libvirt.virStream):
        return "stream"
    if isinstance(value, dict):
        return {key: shown(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(shown(each) for each in value)
    return value


def answer(call, *args):
    try:
        return shown(call(*args))
    except libvirt.libvirtError as failure:
        return ("error",) + error(failure)
    except (OverflowError, TypeError, ValueError, AttributeError, KeyError) as failure:
        # The binding's own.
        return (type(failure).__name__, re.sub("0x[0-9a-f]+", "ADDRESS", str(failure)))


def say(key, value):
    text = re.sub(r"/\S*-sock", "SOCKET", repr(value))
    print(f"{key} = {text}", flush=True)


def ask(key, call, *args):
    say(key, answer(call, *args))


def domain_xml(name, uuid=None, extra="", inside=""):
    given = f"<uuid>{uuid}</uuid>" if uuid else ""
    return (
        f"<domain type='test'><name>{name}</name>{given}<memory>8192</memory><vcpu>1</vcpu>"
        f"<os><type>hvm</type></os>{extra}<devices>{inside}</devices></domain>"
    )


def numbered_uuid(number):
    return f"10000000-0000-4000-8000-{number:012x}"
