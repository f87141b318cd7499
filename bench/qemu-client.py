"""The bench's client of QEMU guests: libvirt's own, from Python. Arguments: a URI, a directory, a definition with the mark
@NAME@. Each line on standard input asks for something; each answer is a line of numbers, in nanoseconds.

life N        N guests, one after the other: the median of creating one until it runs, and of destroying it
parallel N    N guests at once, each on a connection of its own: until all of them run
save N        N times: the median of saving a guest, and of restoring it
attach N      N times: the median of attaching a disk to a running guest, and of detaching it
crowd N       N guests that stay: until they run
stats N       N times: the median of the statistics of all guests
events N      N times stop and cont: the median and the 99th percentile from asking until the subscriber hears
others N      N rounds of calls on the first guests of the crowd: the median, and the 99th percentile
freeze        stops the QEMU of the crowd's last guest
frozen S      of the frozen guest: a list of all, the statistics of all, and a call on it until it ends, S seconds at most
thaw S        lets it go on: until a call on it is answered, S seconds at most
disband       ends the crowd
"""

import os
import signal
import subprocess
import sys
import threading
import time

import libvirt
import libvirt_qemu

uri, directory, pattern = sys.argv[1:4]
libvirt.registerErrorHandler(lambda *_: None, None)
libvirt.virEventRegisterDefaultImpl()


def turn():
    while True:
        libvirt.virEventRunDefaultImpl()


threading.Thread(target=turn, daemon=True).start()
connection = libvirt.open(uri)
crowd = []
now = time.perf_counter_ns


def definition(name):
    return pattern.replace("@NAME@", name)


def create(name, on=connection):
    return on.createXML(definition(name))


def took(call):
    start = now()
    call()
    return now() - start


def median(values):
    return sorted(values)[len(values) // 2]


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def life(count):
    created, destroyed = [], []
    for _ in range(count):
        start = now()
        domain = create("life")
        created.append(now() - start)
        destroyed.append(took(domain.destroy))
    return [median(created), median(destroyed)]


def parallel(count):
    connections = [libvirt.open(uri) for _ in range(count)]
    domains = [None] * count

    def one(number):
        domains[number] = create(f"parallel{number}", connections[number])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    start = now()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = now() - start
    for domain in domains:
        domain.destroy()
    for each in connections:
        each.close()
    return [total]


def save(count):
    path = os.path.join(directory, "saved")
    saved, restored = [], []
    domain = create("saved")
    for _ in range(count):
        saved.append(took(lambda: domain.save(path)))
        restored.append(took(lambda: connection.restore(path)))
        os.unlink(path)
        domain = connection.lookupByName("saved")
    domain.destroy()
    return [median(saved), median(restored)]


def attach(count):
    path = os.path.join(directory, "attached.img")
    with open(path, "wb") as image:
        image.truncate(1 << 20)
    os.chmod(path, 0o666)
    disk = (
        "<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
        f"<source file='{path}'/><target dev='vdz' bus='virtio'/></disk>"
    )
    domain = create("attach")
    attached, detached = [], []
    for _ in range(count):
        attached.append(took(lambda: domain.attachDevice(disk)))
        # Without a guest system nobody lets go of it, so this is until the request is known to be made.
        start = now()
        try:
            domain.detachDevice(disk)
        except libvirt.libvirtError:
            pass
        detached.append(now() - start)
        domain.destroy()
        domain = create("attach")
    domain.destroy()
    return [median(attached), median(detached)]


def gather(count):
    start = now()
    for number in range(count):
        # Both daemons have a crowd at the same time, and each has to find its own processes.
        crowd.append(create(f"crowd{os.getpid()}-{number}"))
    return [now() - start]


def stats(count):
    return [median([took(connection.getAllDomainStats) for _ in range(count)])]


def events(count):
    heard = []
    arrived = threading.Semaphore(0)

    def hear(_connection, _domain, _event, _detail, _opaque):
        heard.append(now())
        arrived.release()

    domain = crowd[0]
    number = connection.domainEventRegisterAny(domain, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, hear, None)
    times = []
    for _ in range(count):
        for change in (domain.suspend, domain.resume):
            start = now()
            change()
            arrived.acquire(timeout=10)
            times.append(heard[-1] - start)
    connection.domainEventDeregisterAny(number)
    return [median(times), percentile(times, 0.99)]


def others(count):
    times = []
    for _ in range(count):
        for domain in crowd[:-1]:
            times.append(took(domain.info))
            times.append(took(domain.state))
            times.append(took(lambda: domain.XMLDesc()))
            times.append(took(lambda: libvirt_qemu.qemuMonitorCommand(domain, '{"execute":"query-status"}', 0)))
    return [median(times), percentile(times, 0.99)]


def pid_of(domain):
    found = subprocess.run(["pgrep", "-f", f"guest={domain.name()},"], capture_output=True, text=True, check=True)
    return int(found.stdout.split()[0])


def freeze():
    # Who looks at statistics does so again and again.
    connection.getAllDomainStats()
    os.kill(pid_of(crowd[-1]), signal.SIGSTOP)
    time.sleep(0.2)
    return [0]


def within(call, seconds):
    """How long it took, at most so many seconds: it goes on without us then."""
    result = []

    def run():
        start = now()
        try:
            call(libvirt.open(uri))
        except libvirt.libvirtError:
            pass
        result.append(now() - start)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return result[0] if result else seconds * 1_000_000_000


def frozen(seconds):
    name = crowd[-1].name()
    return [
        within(lambda on: on.listAllDomains(), seconds),
        within(lambda on: on.getAllDomainStats(), seconds),
        within(lambda on: on.lookupByName(name).suspend(), seconds),
    ]


def thaw(seconds):
    os.kill(pid_of(crowd[-1]), signal.SIGCONT)
    name = crowd[-1].name()
    start = now()
    while now() - start < seconds * 1_000_000_000:
        try:
            libvirt_qemu.qemuMonitorCommand(connection.lookupByName(name), '{"execute":"query-status"}', 0)
            break
        except libvirt.libvirtError:
            time.sleep(0.01)
    return [now() - start]


def disband():
    start = now()
    while crowd:
        crowd.pop().destroy()
    return [now() - start]


requests = {
    "life": life,
    "parallel": parallel,
    "save": save,
    "attach": attach,
    "crowd": gather,
    "stats": stats,
    "events": events,
    "others": others,
    "freeze": freeze,
    "frozen": frozen,
    "thaw": thaw,
    "disband": disband,
}

for line in sys.stdin:
    word, *arguments = line.split()
    print(*requests[word](*map(int, arguments)), flush=True)
