"""A client of the bench: libvirt's own, from Python. Arguments: a URI and, for a program that hears events, "events".
Speaks as client-node.ts does."""

import sys
import threading
import time

import libvirt

if sys.argv[2:] == ["events"]:
    libvirt.virEventRegisterDefaultImpl()

    def turn():
        while True:
            libvirt.virEventRunDefaultImpl()

    threading.Thread(target=turn, daemon=True).start()

connection = libvirt.open(sys.argv[1])
domain = connection.lookupByName("test")

calls = [
    lambda: connection.lookupByName("test"),
    domain.info,
    domain.XMLDesc,
    connection.listAllDomains,
    connection.getHostname,
    connection.getInfo,
]


def took(call):
    start = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - start


def rate(at_once, ms):
    start = time.perf_counter_ns()
    end = start + ms * 1_000_000
    counts = [0] * at_once

    def work(index):
        while time.perf_counter_ns() < end:
            domain.info()
            counts[index] += 1

    threads = [threading.Thread(target=work, args=(index,)) for index in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts), time.perf_counter_ns() - start


for line in sys.stdin:
    what, *numbers = line.split()
    first, *others = map(int, numbers)
    if what == "calls":
        answer = [sorted(took(call) for _ in range(first))[first // 2] for call in calls]
    else:
        answer = rate(first, others[0])
    print(*answer, flush=True)
