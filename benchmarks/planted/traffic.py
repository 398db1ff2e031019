"""Frames both ways through a driver, and what the checker found of it on the way."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from ringbed.drivers.world import Nic, TxFrame, TxSum
from ringbed.sim.checker.finding import DriverFinding
from ringbed.sim.testbed.assembly import open_host
from ringbed.sim.testbed.host import Collector, Host
from ringbed.sim.wire.frame import to_wire

__all__ = ["PEER", "STATION", "TCP", "UDP", "driver_findings", "traffic", "udp"]

STATION, PEER = bytes.fromhex("020000000001"), bytes.fromhex("0200000000fe")
HERE, OTHERS = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
TCP, UDP = 6, 17
BAD = 0x1234


def _sum(data: bytes | bytearray) -> int:
    """One's complement (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) & ~1])) + (data[-1] << 8 if len(data) & 1 else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(total)


def udp(length: int, number: int, *, received: bool, protocol: int = UDP, bad: bool = False) -> bytes:
    """An Ethernet frame with a UDP or TCP payload of `length` bytes; sent ones have the pseudo-header's sum only."""
    size = (8 if protocol == UDP else 20) + length
    ends = (OTHERS, HERE) if received else (HERE, OTHERS)
    pseudo = _sum(b"".join(ends) + struct.pack("!HH", protocol, size))
    header = bytearray(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + size, number, 0, 64, protocol, 0, *ends))
    body = bytearray(struct.pack("!HHHH", 7, 9, size, pseudo) if protocol == UDP
                     else struct.pack("!HHIIBBHHH", 7, 9, number, 0, 0x50, 16, 1000, pseudo, 0))  # fmt: skip
    body += bytes(number + at & 0xFF for at in range(length))
    if received:
        header[10:12] = struct.pack("!H", 0xFFFF ^ _sum(header))
        at = 6 if protocol == UDP else 16
        right = 0xFFFF ^ _sum(body)
        body[at : at + 2] = struct.pack("!H", right ^ BAD if bad else right)
    sides = (STATION, PEER) if received else (PEER, STATION)
    return b"".join((*sides, b"\x08\0", header, body))


def traffic(host: Host[Collector], frames: int, batch: int = 5, longest: int = 600) -> None:
    """So many down in batches, UDP and TCP, and so many up, some of them with a wrong sum."""
    offered = [
        TxFrame([udp(longest * number // frames, number, received=False, protocol=TCP if number % 5 == 4 else UDP)],
                TxSum.IPV4 | (TxSum.TCP if number % 5 == 4 else TxSum.UDP)) for number in range(frames)
    ]  # fmt: skip
    done = idle = 0
    while done < frames and idle < 3:
        taken = host.driver.transmit(0, offered[done : done + batch])
        done, idle = done + taken, 0 if taken else idle + 1
        host.advance(host.now + 20_000)
        host.engine.wire_out()
    for number in range(frames):
        frame = udp(300 * number // frames + 18, number, received=True, bad=number % 3 == 2)
        host.engine.wire_in(to_wire(frame), host.engine.now)
        host.advance(host.now + 10_000)
    host.advance(host.now + 100_000)


def driver_findings(
    driver: Callable[..., Nic] | None, frames: int = 12, batch: int = 5, longest: int = 600, **settings: Any
) -> tuple[list[DriverFinding], Exception | None]:
    """What the checker found of a driver from up to down, and what was raised on the way."""
    settings.setdefault("checker", True)
    host = open_host("em0", Collector(), driver=driver, **settings)
    raised = None
    try:
        host.up()
        host.advance(host.now + 100_000)
        traffic(host, frames, batch, longest)
        host.down()
    except Exception as error:  # of a driver that was misled
        raised = error
    finally:
        found = [each for each in host.findings() if isinstance(each, DriverFinding)]
        host.engine.close()
    return found, raised
