"""The bench's client: libvirt's own, from Python. Argument: a URI. Each line on standard input asks for something.

calls N    N times each of the calls below: a line with the median of each, in nanoseconds
list       lists all domains, then asks for the statistics of all: a line with the nanoseconds of both
"""

import sys
import time

import libvirt

connection = libvirt.open(sys.argv[1])
domain = connection.lookupByName("test")

calls = {
    "getVersion": connection.getVersion,
    "lookupByName": lambda: connection.lookupByName("test"),
    "info": domain.info,
    "state": domain.state,
    "XMLDesc": domain.XMLDesc,
    "listAllDomains": connection.listAllDomains,
    "getAllDomainStats": connection.getAllDomainStats,
    "isActive": domain.isActive,
}


def took(call):
    start = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - start


def median(call, count):
    return sorted(took(call) for _ in range(count))[count // 2]


for line in sys.stdin:
    words = line.split()
    if words[0] == "calls":
        answer = [median(call, int(words[1])) for call in calls.values()]
    else:
        answer = [took(connection.listAllDomains), took(connection.getAllDomainStats)]
    print(*answer, flush=True)
