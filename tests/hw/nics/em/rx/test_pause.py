"""Pause frames that come in: who honours them, where they go, what counts them (M 8.7, 13.4.22; IEEE 802.3 31B)."""

from __future__ import annotations

import pytest

from tests.hw.nics.em.bench import PEER, STATION, Card, Opener, R, fcs, frame

PAUSE_DA, OTHER = bytes.fromhex("0180c2000001"), bytes.fromhex("02000000aaaa")
XOFF = R["STATUS"].mask("TXOFF")


def pause(time: int, to: bytes = PAUSE_DA, opcode: int = 1, kind: int = 0x8808, size: int = 64) -> bytes:
    head = to + PEER + kind.to_bytes(2, "big") + opcode.to_bytes(2, "big") + time.to_bytes(2, "big")
    return fcs(head.ljust(size - 4, b"\0"))


def flow(card: Card, *bits: str, rctl: tuple[str, ...] = ("EN", "BAM", "SECRC")) -> None:
    """What a driver writes; `bits` of CTRL."""
    for name, value in (("FCAL", 0x00C28001), ("FCAH", 0x0100), ("FCT", 0x8808)):
        card.set(name, value)
    card.set("CTRL", R["CTRL"].mask("SLU", *bits))
    card.receive_on(*rctl)


def held(card: Card, wire: bytes) -> bool:
    card.arrive(wire)
    card.run(100)
    return bool(card.peek("STATUS") & XOFF)


@pytest.mark.parametrize("to", [PAUSE_DA, STATION])
def test_xoff_and_xon(card: Opener, to: bytes) -> None:
    c = card()
    c.post()
    flow(c, "RFCE")
    assert held(c, pause(1000, to))
    assert not held(c, pause(0, to))
    c.get("XOFFRXC")
    assert held(c, pause(0xFFFF, to))
    assert (c.get("XONRXC"), c.get("XOFFRXC")) == (1, 1)


def test_a_pause_ends_by_itself(native: Opener) -> None:
    """`time` units of 64 bytes at 1 Gb/s: 512 ns, 64 clocks."""
    card = native()
    flow(card, "RFCE")
    card.arrive(pause(20))
    card.run(12 + 20 * 64 - 40)
    assert card.peek("STATUS") & XOFF
    card.run(80)
    assert not card.peek("STATUS") & XOFF


def test_what_is_no_pause(native: Opener) -> None:
    """Without RFCE, with another address, type, opcode, a bad FCS, too short, the receiver off: no hold."""
    card = native()
    card.post()
    flow(card, "RFCE")
    broken = pause(1000)[:-1] + b"?"
    for wire in (pause(1000, OTHER), pause(1000, kind=0x8809), pause(1000, opcode=2), broken, pause(1000, size=60)):
        assert not held(card, wire)
    assert card.get("XOFFRXC") == 0
    flow(card)
    assert not held(card, pause(1000))
    assert card.get("XOFFRXC") == 1, "counted, honoured or not"
    flow(card, "RFCE", rctl=("BAM",))
    assert not held(card, pause(1000))
    card.set("FCT", 0)
    flow(card, "RFCE")
    card.set("FCT", 0)
    assert not held(card, pause(1000, kind=0))
    assert held(card, pause(1000)) is False


def ends(card: Card, wire: bytes) -> str:
    """`memory`, or the counter it went to."""
    before = card.counts()
    card.arrive(wire)
    card.run(2000)
    after = card.counts()
    card.harvest()
    card.post()
    (name,) = {name for name in after if name != "RB_RXWIRE" and after[name] != before.get(name, 0)}
    return "memory" if name == "RB_RXDONE" else name


BASE = ("EN", "BAM", "SECRC")


@pytest.mark.parametrize(
    ("rctl", "wire", "where"),
    [
        ((), pause(1, PAUSE_DA), "RB_RXPAUSE"),  # passes no filter
        (("MPE",), pause(1, PAUSE_DA), "memory"),
        ((), pause(1, STATION), "memory"),
        (("DPF",), pause(1, STATION), "RB_RXPAUSE"),
        (("DPF", "MPE"), pause(1, PAUSE_DA), "memory"),  # DPF speaks of the station address
        ((), pause(1, PAUSE_DA, opcode=5), "RB_RXPAUSE"),
        (("PMCF",), pause(1, PAUSE_DA, opcode=5), "memory"),
        (("PMCF",), pause(1, OTHER, opcode=5), "memory"),
        (("PMCF",), pause(1, PAUSE_DA), "RB_RXPAUSE"),  # a pause frame is not 'other'
        (("DPF",), pause(1, STATION, opcode=5), "memory"),
        ((), pause(1, STATION, opcode=5), "memory"),
        ((), pause(1, OTHER, kind=0x8809), "RB_RXFILTER"),
        (("PMCF",), pause(1, OTHER, opcode=5)[:-1] + b"?", "RB_RXCRC"),
    ],
)
@pytest.mark.parametrize("honoured", [False, True])
def test_where_control_frames_go(
    native: Opener, rctl: tuple[str, ...], wire: bytes, where: str, honoured: bool
) -> None:
    card = native()
    card.post()
    flow(card, *(["RFCE"] if honoured else []), rctl=(*BASE, *rctl))
    assert ends(card, wire) == where
    assert ends(card, frame(64)) == "memory"
