"""What a received frame becomes beside its verdict: tags, runts, filters, a receive side that stands still."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scapy.layers.inet6 import IPv6ExtHdrDestOpt

from ringbed.drivers.ethtool import Features
from ringbed.drivers.world import TxFrame
from ringbed.hw.formats import em
from tests.hw.errata.frames import ether, ip6, udp4, udp6, wanting
from tests.hw.errata.walk import Action, LabBench, Row

__all__ = ["ROWS", "tagged"]

STRIPPING = {"features": Features(rx_checksum=True, vlan_strip=True, vlan_insert=True)}
FILTERING = {"features": Features(rx_checksum=True, vlan_strip=True, vlan_insert=True, vlan_filter=True)}
GROUPS = [bytes.fromhex(f"01005e0000{last:02x}") for last in range(64)]


def tagged(frame: bytes, tci: int) -> bytes:
    return frame[:12] + b"\x81\x00" + tci.to_bytes(2, "big") + frame[12:]


def seen(*wires: bytes, **how: Any) -> Action:
    """Length and tag of what came up."""
    return lambda bench: [(len(frame.data), frame.vlan) for frame in bench.receive(*wires, **how)] or "nothing"


def alive(first: Action) -> Action:
    """Something happens, and then: does a frame come up?"""

    def action(bench: LabBench) -> list[int]:
        first(bench)
        return [len(frame.data) for frame in bench.receive(udp4(50))] or [0]

    return action


def sends(summed: bool) -> Action:
    frame = udp4()
    return lambda bench: len(bench.send(wanting(frame) if summed else TxFrame([frame])))


def flood(bench: LabBench, frames: int = 60) -> None:
    """So many of the longest frames while the host is away: the ring is small, and so is the packet buffer."""
    at = bench.host.engine.now
    from ringbed.sim.wire.frame import to_wire

    for number in range(frames):
        bench.host.engine.wire_in(to_wire(udp4(1472)), at + number)
    bench.run(frames * 250)
    bench.settle()


def few(bench: LabBench) -> None:
    flood(bench, 12)


def write_during(bench: LabBench, write: Any, receiving: bool) -> None:
    """The write comes while a frame does, or not."""
    if receiving:
        from ringbed.sim.wire.frame import to_wire

        for number in range(8):
            bench.host.engine.wire_in(to_wire(udp4(1472)), bench.host.engine.now + 190 * number)
        bench.run(100)
    write(bench.host.driver)
    bench.settle()
    bench.host.upper.take()


def joined(groups: Sequence[int], receiving: bool = False, listen: Sequence[int] = (1,)) -> Action:
    """Which groups' frames come up once these were joined, so many that the last are in the table: the last bytes."""

    def action(bench: LabBench) -> Any:
        write_during(bench, lambda driver: driver.set_multicast([GROUPS[each] for each in groups]), receiving)
        heard = bench.receive(*(GROUPS[each] + udp4(50)[6:] for each in listen))
        return [frame.data[5] for frame in heard] or "nothing"

    return action


def in_vlan(vids: Sequence[int], receiving: bool, tci: int) -> Action:
    def action(bench: LabBench) -> Any:
        write_during(bench, lambda driver: driver.set_vlans(vids), receiving)
        return [frame.vlan for frame in bench.receive(tagged(udp4(), tci))] or "nothing"

    return action


def promiscuous(upe: int, vfe: int, frame: bytes) -> Action:
    """RCTL written by hand: the driver never sets both."""

    def action(bench: LabBench) -> Any:
        rctl, was = em.REGISTERS["RCTL"], bench.register("RCTL")
        bench.host.engine.write(rctl.offset, was & ~rctl.mask("UPE", "VFE") | rctl.pack(UPE=upe, VFE=vfe))
        bench.run(100)
        came = seen(frame)(bench)
        bench.host.engine.write(rctl.offset, was)
        bench.run(100)
        return came

    return action


MALFORMED = ip6(60, bytes([17, 9]) + bytes(22))  # options said to be 80 bytes long, in a payload of 24
SOUND = udp6(extension=IPv6ExtHdrDestOpt())
ROWS = (
    Row(
        "vlan-detect-broken-fe-plus", seen(tagged(udp4(40), 5)), [(82, 5)], [(82, None)],
        (seen(udp4(40)), seen(ether(0x88A8, bytes(60)))), options=STRIPPING,
    ),
    Row(
        "vlan-tci-byteswapped-realtek", seen(tagged(udp4(40), 0x2123)), [(82, 0x2123)], [(82, 0x2321)],
        (seen(udp4(40)), seen(tagged(udp4(40), 0x0101))), options=STRIPPING,
    ),
    Row(
        "vlan-stripped-frame-dropped-as-runt", seen(tagged(udp4(14), 5)), [(56, 5)], "nothing",
        (seen(tagged(udp4(18), 5)), seen(udp4(18))), options=STRIPPING,
    ),
    Row(
        "jumbo-frame-at-limit-marked-truncated", seen(udp4(1472), udp4(1471)), [(1514, None), (1513, None)], "nothing",
        (seen(udp4(1470)), seen(udp4(100))),
    ),
    Row(
        "vlan-filter-write-lost", in_vlan([5], True, 5), [5], "nothing",
        (in_vlan([7], False, 7), in_vlan([9], False, 5)),
        options=FILTERING,
    ),
    Row(
        "filter-vf-promisc-leaks-vlan", promiscuous(1, 1, tagged(udp4(40), 5)), "nothing", [(82, 5)],
        (promiscuous(0, 1, tagged(udp4(40), 5)), promiscuous(1, 1, udp4(40)), promiscuous(1, 0, tagged(udp4(40), 5))),
        options=FILTERING,
    ),
    Row(
        "filter-mac-regs-during-rx", joined(range(1, 40), True, [39]), [39], "nothing",
        (joined(range(1, 38), False, [37]), joined(range(1, 39), False, [38])),
    ),
    Row("rx-hang-malformed-ipv6-exthdr", alive(seen(MALFORMED)), [92], [0], (alive(seen(SOUND)), alive(seen(udp6())))),
    Row(
        "rx-hang-oversize-frame", alive(seen(udp4(2007))), [92], [0], (alive(seen(udp4(2006))), alive(seen(udp4()))),
        options={"mtu": 4000},
    ),
    Row("rx-overflow-hang-gem", alive(flood), [92], [0], (alive(few), alive(seen(udp4()))), options={"rx_ring": 8}),
    Row("tx-csum-kills-rx", alive(sends(True)), [92], [0], (alive(sends(False)),)),
    Row(
        "rx-lockup-garbage-preamble", alive(seen(udp4(), error=True)), [92], [0],
        (alive(seen(udp4())), alive(seen(b"\x02" * 14))),
    ),
)  # fmt: skip
