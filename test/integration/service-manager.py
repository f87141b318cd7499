"""Stands for systemd. Arguments: a directory for sockets, the file of the notification socket, and the daemon's command.

Listens at both of the daemon's sockets, begins the daemon with them, and prints what it notifies of. The end of the
input ends the daemon by SIGTERM; then its exit code is printed, and which sockets are still there.
"""

import os
import select
import signal
import socket
import sys

directory, notify, *command = sys.argv[1:]
os.makedirs(directory, exist_ok=True)
paths = [os.path.join(directory, name) for name in ("virtwright-sock", "virtwright-sock-ro")]
listening = []
for path in paths:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(100)
    listening.append(listener)
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind(notify)
pid = os.fork()
if pid == 0:
    for number, listener in enumerate(listening):
        os.dup2(os.dup(listener.fileno()) if number else listener.fileno(), 100 + number)
    for number in range(len(listening)):
        os.dup2(100 + number, 3 + number)
    environment = dict(os.environ, LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", NOTIFY_SOCKET=notify)
    os.execve(command[0], command, environment)

running = True
while running:
    ready, _, _ = select.select([heard, sys.stdin], [], [])
    if heard in ready:
        print(heard.recv(4096).decode(), flush=True)
    if sys.stdin in ready and os.read(0, 4096) == b"":
        os.kill(pid, signal.SIGTERM)
        running = False
_, status = os.waitpid(pid, 0)
while select.select([heard], [], [], 0)[0]:
    print(heard.recv(4096).decode())
print("code", os.waitstatus_to_exitcode(status), "left", [os.path.basename(path) for path in paths if os.path.exists(path)])
