#!/usr/bin/env python3
"""A hub over the given ports that delays every frame: wire.py DELAY_MS PORT... (inside the network namespace of the ports)"""
import collections
import select
import socket
import sys
import time

ETH_P_ALL = 3
delay, ports = float(sys.argv[1]) / 1e3, sys.argv[2:]
sockets = []
for port in ports:
    one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    one.bind((port, 0))
    one.setblocking(False)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    sockets.append(one)
home: dict[bytes, socket.socket] = {}  # where an address was last seen
waiting = collections.deque()  # (time, frame, from): the delay is the same for all, so they leave as they came


def take_in(source: socket.socket) -> None:
    for _ in range(64):
        try:
            frame, address = source.recvfrom(65600)
        except BlockingIOError:
            return
        if address[2] == socket.PACKET_OUTGOING:  # what was sent out here itself
            continue
        home[frame[6:12]] = source
        waiting.append((time.monotonic() + delay, frame, source))


def let_out(frame: bytes, source: socket.socket) -> None:
    known = home.get(frame[:6])
    for target in [known] if known else [other for other in sockets if other is not source]:
        try:
            target.send(frame)
        except OSError:  # its queue is full, or its link down: a frame is lost, as on any wire
            pass


while True:
    for ready in select.select(sockets, [], [], max(0.0, waiting[0][0] - time.monotonic()) if waiting else 1.0)[0]:
        take_in(ready)
    while waiting and waiting[0][0] <= time.monotonic():
        _, frame, source = waiting.popleft()
        let_out(frame, source)
