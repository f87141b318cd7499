"""Streams and descriptors as libvirt's own client library uses them; prints a line for each step."""

import os
import sys

import libvirt

libvirt.registerErrorHandler(lambda *_: None, None)
connection = libvirt.open("test+unix:///default?socket=" + sys.argv[1])
volume = connection.storageVolLookupByPath("/disk")
domain = connection.lookupByName("hello")


def opened(begin):
    stream = connection.newStream()
    begin(stream)
    return stream


stream = opened(lambda stream: volume.download(stream, 0, 0))
total = 0
while data := stream.recv(262120):
    total += len(data)
stream.finish()
print("download", total)

counts = {"data": 0, "hole": 0}


def on_data(_stream, data, _opaque):
    counts["data"] += len(data)
    return len(data)


def on_hole(_stream, length, _opaque):
    counts["hole"] += length


stream = opened(lambda stream: volume.download(stream, 0, 0, libvirt.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM))
stream.sparseRecvAll(on_data, on_hole, None)
stream.finish()
print("sparse download", counts["data"], counts["hole"])

stream = opened(lambda stream: volume.download(stream, 0, 0))
stream.recv(10)
stream.abort()
stream = opened(lambda stream: volume.download(stream, 0, 0))
stream.recv(10)
stream.finish()
print("left early", connection.getType())

stream = opened(lambda stream: volume.upload(stream, 0, 0))
for _ in range(12):
    stream.send(b"x" * 250000)
stream.finish()
stream = opened(lambda stream: volume.upload(stream, 0, 0, libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM))
stream.send(b"abc")
stream.sendHole(4096)
stream.finish()
print("uploaded")

stream = opened(lambda stream: volume.upload(stream, 0, 1000000))
try:
    for _ in range(100):
        stream.send(b"x" * 250000)
    stream.finish()
except libvirt.libvirtError as error:
    print("refused", error.get_error_code(), error.get_error_domain(), error.get_int1(), connection.getType())

stream = opened(lambda stream: domain.openConsole(None, stream, 0))
print("console", stream.recv(100))
stream.send(b"root\n")
print("console", stream.recv(100))
stream.finish()

stream = connection.newStream()
print("screenshot", domain.screenshot(stream, 0, 0), stream.recv(100))
stream.finish()

passed = os.open(sys.argv[0], os.O_RDONLY)
domain.FDAssociate("disk", [passed, passed], 0)
received = domain.openGraphicsFD(0, 0)
print("descriptors", os.read(received, 3))
connection.close()
