"""What libvirt's test hypervisor has not: volumes with data as streams, secrets with values, ports of networks, filters."""

import os
import sys

from asking import *

turn_events()
place = sys.argv[2]
connection = libvirt.open(uri)
other = libvirt.open(uri)
read_only = libvirt.openReadOnly(uri)
heard = []


def listen(kind):
    return lambda _connection, thing, *rest: heard.append((kind, shown(thing)) + rest[:-1])


connection.secretEventRegisterAny(None, libvirt.VIR_SECRET_EVENT_ID_LIFECYCLE, listen("secret"), None)
connection.secretEventRegisterAny(None, libvirt.VIR_SECRET_EVENT_ID_VALUE_CHANGED, listen("value"), None)


def step(key, call, *args):
    result = answer(call, *args)
    drain(connection, other)
    say(key, (result, list(heard)))
    heard.clear()


MEGABYTE = 1 << 20
PATTERN = bytes(range(256)) * 4096
SPARSE = PATTERN[:65536] + bytes(4 * 65536) + PATTERN[:65536] + bytes(2 * 65536)
pool = connection.storagePoolCreateXML(
    f"<pool type='dir'><name>streams</name><target><path>{place}/pool</path></target></pool>"
)
paths = {}


def volume(name, size=MEGABYTE):
    made = pool.createXML(f"<volume><name>{name}</name><capacity>{size}</capacity><allocation>0</allocation></volume>")
    paths[name] = made.path()
    return made


def content(name):
    with open(paths[name], "rb") as file:
        return file.read()


def is_content(name, wanted):
    """Where it begins to differ, for those who want to know."""
    got = content(name)
    if got == wanted:
        return True
    return (len(got), len(wanted), next((at for at, pair in enumerate(zip(got, wanted)) if pair[0] != pair[1]), None))


def source(data):
    at = 0

    def read(_stream, count, _opaque):
        nonlocal at
        part = data[at : at + count]
        at += len(part)
        return part

    return read


class SparseSource:
    """As a file with holes: what is zero, in whole blocks, is a hole."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def read(self, _stream, count, _opaque):
        part = self.data[self.at : self.at + count]
        self.at += len(part)
        return part

    def hole(self, _stream, _opaque):
        zero = self.data[self.at : self.at + 65536] == bytes(65536)
        end = self.at
        while end < len(self.data) and (self.data[end : end + 65536] == bytes(65536)) == zero:
            end += 65536
        return (not zero, min(end, len(self.data)) - self.at)

    def skip(self, _stream, length, _opaque):
        self.at += length
        return 0


def uploaded(name, data, offset=0, length=0, size=MEGABYTE):
    target = volume(name, size)
    stream = connection.newStream()
    target.upload(stream, offset, length)
    sent = answer(stream.sendAll, source(data), None)
    return (sent, answer(stream.finish if sent is None else stream.abort))


def downloaded(name, offset=0, length=0):
    stream = connection.newStream()
    pool.storageVolLookupByName(name).download(stream, offset, length)
    got = []
    received = answer(stream.recvAll, lambda _stream, data, _opaque: got.append(data), None)
    end = answer(stream.finish)
    return (received, end, b"".join(got))


step("upload: a megabyte", uploaded, "whole", PATTERN)
say("upload: a megabyte, in the file", is_content("whole", PATTERN))
step("upload: behind an offset", uploaded, "offset", PATTERN[:1000], 4096, 1000)
say("upload: behind an offset, in the file", is_content("offset", bytes(4096) + PATTERN[:1000] + bytes(MEGABYTE - 5096)))
step("upload: of nothing", uploaded, "nothing", b"")
say("upload: of nothing, in the file", is_content("nothing", bytes(MEGABYTE)))
step("download: a megabyte", lambda: downloaded("whole")[:2])
say("download: a megabyte, what came", downloaded("whole")[2] == PATTERN)
say("download: a part", downloaded("whole", 1000, 5000)[2] == PATTERN[1000:6000])
step("download: behind its end", lambda: downloaded("whole", MEGABYTE, 0))
step("download: from far behind its end", lambda: downloaded("whole", 2 * MEGABYTE, 0))


def by_hand(name):
    target = volume(name)
    stream = connection.newStream()
    target.upload(stream, 0, 0)
    counts = [stream.send(PATTERN[:100]), stream.send(PATTERN[100:300])]
    end = answer(stream.finish)
    return (counts, end, answer(stream.send, b"x"), answer(stream.finish), content(name)[:300] == PATTERN[:300])


step("upload: by hand", by_hand, "hand")


def abandoned_upload(name, how):
    target = volume(name)
    stream = connection.newStream()
    target.upload(stream, 0, 0)
    stream.send(PATTERN[:1000])
    end = answer(getattr(stream, how))
    return (end, answer(stream.send, b"x"), answer(target.info)[:2], connection.getLibVersion() > 0)


for how in ("abort", "finish"):
    step(f"upload: left by {how}", abandoned_upload, f"left-{how}", how)


def abandoned_download(how):
    stream = connection.newStream()
    pool.storageVolLookupByName("whole").download(stream, 0, 0)
    first = len(stream.recv(100))
    end = answer(getattr(stream, how))
    return (first, end, answer(stream.recv, 10), connection.getLibVersion() > 0)


step("download: left by abort", abandoned_download, "abort")


class Broken(Exception):
    pass


def breaking(*_):
    raise Broken("in the middle")


def caught(make, call, *args):
    stream = connection.newStream()
    make(stream)
    try:
        return answer(getattr(stream, call), *args)
    except Broken as failure:
        return ("raised", str(failure), answer(stream.abort), connection.getLibVersion() > 0)


def whole_download(stream):
    pool.storageVolLookupByName("whole").download(stream, 0, 0)


def hand_upload(stream):
    pool.storageVolLookupByName("hand").upload(stream, 0, 0)


step("download: broken off", caught, whole_download, "recvAll", breaking, None)
step("upload: broken off", caught, hand_upload, "sendAll", breaking, None)


def sparse_upload(name):
    target = volume(name, len(SPARSE))
    stream = connection.newStream()
    target.upload(stream, 0, 0, libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM)
    data = SparseSource(SPARSE)
    sent = answer(stream.sparseSendAll, data.read, data.hole, data.skip, None)
    return (sent, answer(stream.finish if sent is None else stream.abort), is_content(name, SPARSE))


step("upload: sparse", sparse_upload, "sparse")


def sparse_download(name):
    stream = connection.newStream()
    pool.storageVolLookupByName(name).download(stream, 0, 0, libvirt.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM)
    parts = []

    def hole(_stream, length, _opaque):
        parts.append(bytes(length))

    received = answer(stream.sparseRecvAll, lambda _stream, data, _opaque: parts.append(data), hole, None)
    return (received, answer(stream.finish), b"".join(parts) == SPARSE)


step("download: sparse", sparse_download, "sparse")


def holes_by_hand():
    target = volume("holes", 4096)
    stream = connection.newStream()
    target.upload(stream, 0, 0, 1)
    steps = [answer(stream.send, b"abc"), answer(stream.sendHole, 100), answer(stream.send, b"def")]
    end = answer(stream.finish)
    return (steps, end, [(at, byte) for at, byte in enumerate(content("holes")) if byte])


step("upload: holes by hand", holes_by_hand)


def hole_without_leave():
    stream = connection.newStream()
    pool.storageVolLookupByName("hand").upload(stream, 0, 0)
    return (answer(stream.sendHole, 100), answer(stream.finish))


step("upload: a hole that was not agreed on", hole_without_leave)


def by_callbacks_up(name):
    target = volume(name)
    stream = connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
    target.upload(stream, 0, 0)
    state = {"at": 0, "over": False}

    def writable(stream, _events, _opaque):
        if state["at"] == len(PATTERN):
            stream.eventRemoveCallback()
            stream.finish()
            state["over"] = True
            return
        count = stream.send(PATTERN[state["at"] : state["at"] + 65536])
        if count > 0:
            state["at"] += count

    stream.eventAddCallback(libvirt.VIR_STREAM_EVENT_WRITABLE, writable, None)
    until(lambda: state["over"], "the stream's end")
    return is_content(name, PATTERN)


step("upload: by callbacks", by_callbacks_up, "up")


def by_callbacks_down():
    stream = connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
    whole_download(stream)
    got, over = [], []

    def readable(stream, _events, _opaque):
        part = stream.recv(65536)
        if part == -2:
            return
        if part:
            return got.append(part)
        stream.eventRemoveCallback()
        stream.finish()
        over.append(True)

    stream.eventAddCallback(libvirt.VIR_STREAM_EVENT_READABLE, readable, None)
    until(lambda: over, "the stream's end")
    return b"".join(got) == PATTERN


step("download: by callbacks", by_callbacks_down)


def at_once():
    streams = [connection.newStream() for _ in range(8)]
    for stream in streams:
        whole_download(stream)
    parts = [b"" for _ in streams]
    for at, stream in enumerate(streams):
        while part := stream.recv(65536):
            parts[at] += part
        stream.finish()
    return [part == PATTERN for part in parts]


step("download: eight at once", at_once)
whole = pool.storageVolLookupByName("whole")


def upload_behind_its_end():
    stream = connection.newStream()
    whole.upload(stream, 2 * MEGABYTE, 0)
    return answer(stream.finish)


for name, call in {
    "upload: wrong flags": lambda: whole.upload(connection.newStream(), 0, 0, 1 << 20),
    "download: wrong flags": lambda: whole.download(connection.newStream(), 0, 0, 1 << 20),
    "upload: behind its end": upload_behind_its_end,
    "upload: read-only": lambda: read_only.storageVolLookupByPath(paths["whole"]).upload(read_only.newStream(), 0, 0),
    "download: read-only": lambda: read_only.storageVolLookupByPath(paths["whole"]).download(read_only.newStream(), 0, 0),
    "upload: without a stream": lambda: whole.upload(None, 0, 0),
    "wipe": lambda: whole.wipe(),
    "resize": lambda: whole.resize(2 * MEGABYTE),
    "resize, smaller": lambda: whole.resize(1000),
    "resize, smaller with leave": lambda: whole.resize(MEGABYTE, libvirt.VIR_STORAGE_VOL_RESIZE_SHRINK),
    "resize, by": lambda: whole.resize(4096, libvirt.VIR_STORAGE_VOL_RESIZE_DELTA),
    "info": lambda: whole.info()[:2],
    "info with flags": lambda: whole.infoFlags(1)[:2],
    "delete": lambda: whole.delete(),
    "download: what is gone": lambda: whole.download(connection.newStream(), 0, 0),
}.items():
    step(name, call)
say("wiped, of what was there", len(os.listdir(f"{place}/pool")) > 5)

SECRET = f"<secret ephemeral='no' private='no'><uuid>{numbered_uuid(40)}</uuid><description>d</description><usage type='ceph'><name>key</name></usage></secret>"
PRIVATE = SECRET.replace("private='no'", "private='yes'").replace(numbered_uuid(40), numbered_uuid(41)).replace("key", "own")
step("secret: define", connection.secretDefineXML, SECRET)
secret = connection.secretLookupByUUIDString(numbered_uuid(40))
for name, call in {
    "again": lambda: connection.secretDefineXML(SECRET),
    "usage of another": lambda: connection.secretDefineXML(SECRET.replace(numbered_uuid(40), numbered_uuid(42))),
    "another usage": lambda: connection.secretDefineXML(SECRET.replace("key", "other")),
    "private": lambda: connection.secretDefineXML(PRIVATE),
    "UUID": secret.UUID,
    "UUIDString": secret.UUIDString,
    "usage id": secret.usageID,
    "usage type": secret.usageType,
    "XML": secret.XMLDesc,
    "XML with a flag": lambda: secret.XMLDesc(1),
    "value, when there is none": secret.value,
    "set": lambda: secret.setValue(b"s3cret"),
    "set with a flag": lambda: secret.setValue(b"s3cret", 1),
    "value": secret.value,
    "value with a flag": lambda: secret.value(1),
    "set to nothing": lambda: secret.setValue(b""),
    "value of nothing": secret.value,
    "set, large": lambda: secret.setValue(bytes(range(256)) * 256),
    "value, large": lambda: len(secret.value()),
    "set, too large": lambda: secret.setValue(bytes(65537)),
    "set private": lambda: connection.secretLookupByUUIDString(numbered_uuid(41)).setValue(b"x"),
    "private value": lambda: connection.secretLookupByUUIDString(numbered_uuid(41)).value(),
    "value, read-only": lambda: read_only.secretLookupByUUIDString(numbered_uuid(40)).value(),
    "define, read-only": lambda: read_only.secretDefineXML(SECRET),
    "list": lambda: sorted(each.UUIDString() for each in connection.listAllSecrets()),
    "list of private": lambda: sorted(each.UUIDString() for each in connection.listAllSecrets(4)),
    "list with wrong flags": lambda: connection.listAllSecrets(1 << 20),
    "names": lambda: sorted(connection.listSecrets()),
    "number": connection.numOfSecrets,
    "by uuid": lambda: connection.secretLookupByUUID(secret.UUID()),
    "by usage": lambda: connection.secretLookupByUsage(2, "key"),
    "by no usage": lambda: connection.secretLookupByUsage(2, "none"),
    "by a wrong usage": lambda: connection.secretLookupByUsage(99, "key"),
    "undefine": secret.undefine,
    "undefine again": secret.undefine,
    "gone: value": secret.value,
    "gone: set": lambda: secret.setValue(b"x"),
    "gone: XML": secret.XMLDesc,
    "undefine private": lambda: connection.secretLookupByUUIDString(numbered_uuid(41)).undefine(),
    "wrong root": lambda: connection.secretDefineXML("<pool/>"),
    "no XML": lambda: connection.secretDefineXML("secret"),
    "wrong type of usage": lambda: connection.secretDefineXML("<secret><usage type='x'/></secret>"),
    "usage without a name": lambda: connection.secretDefineXML("<secret><usage type='ceph'/></secret>"),
}.items():
    step(f"secret: {name}", call)

NETWORK = f"<network><name>ports</name><uuid>{numbered_uuid(50)}</uuid><bridge name='vwports'/></network>"
PORT = (
    f"<networkport><uuid>{numbered_uuid(77)}</uuid><owner><name>a</name><uuid>{numbered_uuid(1)}</uuid></owner>"
    "<mac address='52:54:00:7b:35:93'/><group>g</group></networkport>"
)
network = connection.networkDefineXML(NETWORK)
for name, call in {
    "of a network that is inactive": lambda: network.portCreateXML(PORT),
    "list": network.listAllPorts,
    "by uuid": lambda: network.portLookupByUUIDString(numbered_uuid(77)),
    "by no uuid": lambda: network.portLookupByUUIDString("x"),
    "no XML": lambda: network.portCreateXML("x"),
}.items():
    step(f"port: {name}", call)
network.undefine()

FILTER = f"<filter name='f'><uuid>{numbered_uuid(60)}</uuid><rule action='drop' direction='in'/></filter>"
for name, call in {
    "by name": lambda: connection.nwfilterLookupByName("f"),
    "by uuid": lambda: connection.nwfilterLookupByUUIDString(numbered_uuid(60)),
    "names": lambda: [name for name in connection.listNWFilters() if name == "f"],
    "bindings": connection.listAllNWFilterBindings,
    "binding": lambda: connection.nwfilterBindingLookupByPortDev("vnet0"),
    "define": lambda: connection.nwfilterDefineXML(FILTER),
}.items():
    step(f"filter: {name}", call)

pool.destroy()
