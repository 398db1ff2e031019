"""Questions about frames that arrive: which are stored, how, and what the descriptor says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ringbed.drivers.world import Direction
from ringbed.hw.formats import em
from tests.hw.nics.em.against_qemu.experiments import causes, experiment, received, status
from tests.hw.nics.em.bench import RCTL, STATION, Card, R, frame, on_wire, raw_sum
from tests.hw.nics.em.packets import udp4, with_bad

BROADCAST, GROUP, STRANGER = b"\xff" * 6, bytes.fromhex("01005e000001"), bytes.fromhex("0200000000ee")


@experiment()
def frames_of_every_edge(card: Card) -> list[bool]:
    sizes = (64, 65, 127, 128, 1517, 1518)
    return [a == frame(b)[:-4] for a, b in zip(received(card, *map(frame, sizes)), sizes, strict=True)]


@experiment(size=256)
def frame_over_several_buffers(card: Card) -> list[int]:
    card.post()
    card.arrive(frame(1004))
    card.settle()
    [found] = card.harvest()
    return [part["length"] for part in found.parts]


@experiment()
def runt(card: Card) -> list[int]:
    """A good frame of 40 bytes with FCS."""
    return [len(each) for each in received(card, frame(40))]


@experiment(rctl=(*RCTL, "SBP"))
def bad_fcs_with_sbp(card: Card) -> int:
    whole = frame(100)
    return len(received(card, whole[:-1] + bytes([whole[-1] ^ 1])))


@experiment(rctl=("EN", "BAM"))
def fcs_kept(card: Card) -> list[Any]:
    """RCTL.SECRC clear: the length, and are the last four bytes the FCS?"""
    [data] = received(card, frame(100))
    return [len(data), data[-4:] == frame(100)[-4:]]


@experiment()
def longest_frame_received(card: Card) -> list[int]:
    return [len(each) for each in received(card, frame(1522), frame(1523), frame(1526), frame(1527))]


@experiment(rctl=(*RCTL, "LPE"))
def longest_long_frame_received(card: Card) -> list[int]:
    return [len(each) for each in received(card, frame(16384), frame(16385), frame(16388), frame(16389))]


@experiment(rctl=("EN", "BAM", "SECRC"))
def address_filter(card: Card) -> list[str]:
    return filtered(card)


def filtered(card: Card) -> list[str]:
    """Who gets through."""
    card.set("RAL", int.from_bytes(STATION[:4], "little"))
    card.set("RAH", int.from_bytes(STATION[4:], "little") | R["RAH"].mask("AV"))
    names = {STATION: "station", STRANGER: "stranger", BROADCAST: "broadcast", GROUP: "group"}
    return [names[each[:6]] for each in received(card, *(frame(64, to=to) for to in names))]


for _bits in ((), ("UPE",), ("MPE",), ("UPE", "MPE")):

    def _filter(card: Card) -> list[str]:
        return filtered(card)

    _filter.__name__ = "address_filter_" + ("_".join(_bits).lower() or "without_bam")
    experiment(rctl=("EN", "SECRC", *_bits))(_filter)


@experiment()
def status_of_udp(card: Card) -> str:
    return status(card, udp4(b"payload"))


@experiment()
def status_of_a_bad_udp_sum(card: Card) -> str:
    return status(card, with_bad(udp4(b"payload"), 45))


@experiment()
def status_of_no_ip(card: Card) -> str:
    return status(card, frame(100)[:-4])


@experiment()
def packet_checksum(card: Card) -> str:
    """The field of a frame whose sum from byte 14 on is known."""
    card.set("RXCSUM", 14)
    card.post()
    data = frame(100)[:-4]
    card.arrive(on_wire(data))
    card.settle()
    found = card.harvest()[0].parts[0]["checksum"]
    return "the sum" if found == raw_sum(data[14:]) else f"{found:04x}"


@experiment()
def descriptor_without_an_address(card: Card) -> list[list[int]]:
    """A null one, then a good one: DD, EOP and length of both."""
    card.rx.put(em.RX_LEGACY.encode(address=0))
    buffer = card.memory.map(bytes(2048), Direction.FROM_DEVICE)
    card.rx.put(em.RX_LEGACY.encode(address=buffer.iova), buffer)
    card.rx.bell()
    card.arrive(frame(64))
    card.settle()
    return [[em.RX_LEGACY.decode(card.rx.at(at))[name] for name in ("DD", "EOP", "length")] for at in range(2)]


@experiment()
def causes_of_a_frame_received(card: Card) -> str:
    causes(card)
    received(card, frame(64))
    return causes(card)


@experiment(size=256, rx=16)
def frame_longer_than_the_buffers_left(card: Card) -> list[Any]:
    """Two buffers of 256, a frame that wants four: causes, and what is stored once there are more."""
    causes(card)
    card.post(2)
    card.arrive(frame(1004))
    card.settle()
    seen = causes(card).replace(" RXDMT0", "").replace("RXDMT0", "")
    return ["RXO" if "RXO" in seen else "no RXO", [len(each) for each in received(card)]]


def low_ring(code: int) -> Callable[[Card], int]:
    def ask(card: Card) -> int:
        """Free descriptors of 64 when RXDMT0 comes."""
        card.set("RCTL", card.get("RCTL") | R["RCTL"]["RDMTS"].put(code))
        card.post(63)
        causes(card)
        for used in range(1, 63):
            card.arrive(frame(64))
            card.settle()
            if "RXDMT0" in causes(card):
                return 63 - used
        return -1

    ask.__name__ = f"low_ring_rdmts_{code}"
    return ask


for _code in range(4):
    experiment()(low_ring(_code))


@experiment(leap=False)
def receive_right_after_rctl(card: Card) -> int:
    """Frames stored 2 ms after RCTL was written."""
    card.post()
    card.arrive(frame(64))
    card.run(250_000)
    return len(card.harvest())
