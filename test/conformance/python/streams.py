"""Streams: pictures of a screen, consoles, and what is wrong with a stream."""

import struct
import zlib

import libvirt
from asking import *

turn_events()
connection = libvirt.open(uri)
domain = connection.lookupByName("test")


def read_all(stream):
    data = b""
    while part := stream.recv(65536):
        data += part
    return data


def is_png(data):
    """Whole, in every part of it."""
    at, pixels, size = 8, b"", (0, 0)
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if zlib.crc32(name + body) != struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0]:
            return False
        if name == b"IHDR":
            size = struct.unpack(">II", body[:8])
        if name == b"IDAT":
            pixels += body
        at += 12 + length
    return data[:8] == b"\x89PNG\r\n\x1a\n" and name == b"IEND" and min(size) > 0 and len(zlib.decompress(pixels)) >= size[1]


def picture(of, screen=0):
    stream = connection.newStream()
    kind = of.screenshot(stream, screen)
    data = read_all(stream)
    stream.finish()
    return (kind, is_png(data))


ask("screenshot", picture, domain)
ask("screenshot of another screen", picture, domain, 3)
stopped = connection.defineXML(domain_xml("stopped", numbered_uuid(1)))
ask("screenshot of a stopped domain", picture, stopped)


def abandoned(how):
    stream = connection.newStream()
    domain.screenshot(stream, 0)
    first = len(stream.recv(10))
    getattr(stream, how)()
    return (first, connection.getLibVersion() > 0)


ask("screenshot, half read, aborted", abandoned, "abort")
ask("screenshot, half read, finished", abandoned, "finish")


def forgotten():
    stream = connection.newStream()
    domain.screenshot(stream, 0)
    del stream
    return connection.getLibVersion() > 0


ask("screenshot, forgotten", forgotten)


def many():
    streams = [connection.newStream() for _ in range(20)]
    for stream in streams:
        domain.screenshot(stream, 0)
    data = [read_all(stream) for stream in streams]
    for stream in streams:
        stream.finish()
    return len(set(data))


ask("screenshots at once", many)


def used_twice():
    stream = connection.newStream()
    domain.screenshot(stream, 0)
    domain.screenshot(stream, 0)


ask("a stream for two calls", used_twice)


def by_callbacks():
    stream = connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
    domain.screenshot(stream, 0)
    got, over = [], []

    def ready(stream, events, _opaque):
        part = stream.recv(4096)
        if part == -2:
            return
        if part:
            return got.append(part)
        stream.eventRemoveCallback()
        stream.finish()
        over.append(True)

    stream.eventAddCallback(libvirt.VIR_STREAM_EVENT_READABLE, ready, None)
    until(lambda: over, "the stream's end")
    return is_png(b"".join(got))


ask("screenshot by callbacks", by_callbacks)

ask("console", lambda: domain.openConsole(None, connection.newStream(), 0))
ask("console with a name", lambda: domain.openConsole("serial0", connection.newStream(), 0))
ask("console of a stopped domain", lambda: stopped.openConsole(None, connection.newStream(), 0))
ask("channel", lambda: domain.openChannel(None, connection.newStream(), 0))
ask("graphics", lambda: domain.openGraphicsFD(0, 0))
ask("a volume's path", lambda: connection.storageVolLookupByPath("/nowhere"))

for name, call in {
    "receive": lambda stream: stream.recv(10),
    "send": lambda stream: stream.send(b"abc"),
    "finish": lambda stream: stream.finish(),
    "abort": lambda stream: stream.abort(),
    "send a hole": lambda stream: stream.sendHole(4096),
    "receive a hole": lambda stream: stream.recvHole(),
    "add a callback": lambda stream: stream.eventAddCallback(1, lambda *_: None, None),
    "remove a callback": lambda stream: stream.eventRemoveCallback(),
    "update a callback": lambda stream: stream.eventUpdateCallback(1),
}.items():
    ask(f"a stream of nothing: {name}", lambda: call(connection.newStream()))
ask("a stream with flags", lambda: connection.newStream(8))


def wrong_way():
    stream = connection.newStream()
    domain.screenshot(stream, 0)
    return stream.send(b"abc")


ask("sending into a picture", wrong_way)
ask("afterwards", lambda: connection.getLibVersion() > 0)


def finished_twice():
    stream = connection.newStream()
    domain.screenshot(stream, 0)
    read_all(stream)
    stream.finish()
    return stream.finish()


ask("finished twice", finished_twice)
