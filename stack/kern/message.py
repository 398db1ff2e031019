"""Messages: what service queues hold (seed 004, 'Packet Queues (or Message Queues?)').

A packet is one kind of several. A timer that is due, a packet that wants a neighbour's link address, an error about a
packet come through the same queue, so that the state behind it has one writer whatever happens. A kind is a class: what
only one protocol is told lies beside that protocol, and its handler tells the kinds apart.

    Packet      packet.py                a packet, as it is
    Timer       timers.py                a time that its owner has set is there
    Resolve     route/nexthop.py         a packet of this host for a neighbour that is not known
    IcmpError   ip/icmp.py               a packet that its sender shall hear of
    CtlInput    transport/pcb.py         what an ICMP error says of a datagram that a socket has sent

The only way to another's state is `post` of the queue in front of it, or to become that queue's consumer (service.py).
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from ringbed.stack.kern.counters import Counter


class Posted(IntEnum):
    """What a queue answers to who puts something in: false is that it did not take it."""

    FULL = 0  # dropped, and counted there
    QUEUED = 1
    FIRST = 2  # and it has been scheduled for it: nobody was at it, or about to be


FULL, QUEUED, FIRST = Posted


class Message:
    """`bounded`: it counts against a queue's limit. The others always find room: there is one of each at most."""

    __slots__ = ()
    bounded: ClassVar[bool] = True

    def drop(self, reason: Counter) -> None:
        """It ends here. A packet in it is counted under `reason`; what carries none needs no account."""
