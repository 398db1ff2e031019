"""What the card takes from the wire, and the one counter under which everything else ends (M 3.2.1, 13.4.22)."""

from __future__ import annotations

import pytest

from ringbed.hw.formats import em
from tests.hw.nics.em.bench import CAUSE, RCTL, STATION, Card, Opener, R, fcs, frame

OTHER = bytes.fromhex("020000000002")
GROUP = bytes.fromhex("01005e000001")
EVERYONE = b"\xff" * 6
PLAIN = ("EN", "SECRC")


def outcome(card: Card, wire: bytes, error: bool = False) -> str:
    """The counter in which one frame ended; delivered frames are compared with the wire."""
    before = card.counts()
    card.post()
    card.arrive(wire, error=error)
    card.settle()
    after = card.counts()
    changed = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
    assert changed.pop("RB_RXWIRE") == 1
    ((name, times),) = changed.items()
    assert times == 1
    got = card.harvest()
    assert [one.data for one in got] == ([wire[:-4]] if name == "RB_RXDONE" else [])
    return name.removeprefix("RB_RX")


@pytest.mark.parametrize(
    ("bits", "taken"),
    [
        ((), {STATION}),
        (("BAM",), {STATION, EVERYONE}),
        (("UPE",), {STATION, OTHER}),
        (("MPE",), {STATION, GROUP, EVERYONE}),
        (("UPE", "MPE"), {STATION, OTHER, GROUP, EVERYONE}),
        (("UPE", "BAM"), {STATION, OTHER, EVERYONE}),
    ],
)
def test_address_filter(native: Opener, bits: tuple[str, ...], taken: set[bytes]) -> None:
    card = native(rctl=(*PLAIN, *bits))
    for to in (STATION, OTHER, GROUP, EVERYONE):
        assert outcome(card, frame(90, to=to)) == ("DONE" if to in taken else "FILTER"), to.hex()


def test_address_filter_on_both_engines(card: Opener) -> None:
    c = card(rctl=PLAIN)
    assert [outcome(c, frame(64, to=to)) for to in (STATION, OTHER, GROUP)] == ["DONE", "FILTER", "FILTER"]


def test_station_address_compares_all_48_bits(native: Opener) -> None:
    card = native(rctl=PLAIN)
    for bit in range(48):
        to = (int.from_bytes(STATION, "big") ^ 1 << bit).to_bytes(6, "big")
        assert outcome(card, frame(70, to=to)) == "FILTER", bit


def test_station_address_can_be_written_and_switched_off(native: Opener) -> None:
    card = native(rctl=PLAIN)
    card.set("RAL", int.from_bytes(GROUP[:4], "little"))
    card.set("RAH", int.from_bytes(GROUP[4:], "little") | R["RAH"].mask("AV"))
    card.get("STATUS")
    assert [outcome(card, frame(64, to=to)) for to in (GROUP, STATION)] == ["DONE", "FILTER"]
    card.set("RAH", int.from_bytes(GROUP[4:], "little"))
    card.get("STATUS")
    assert outcome(card, frame(64, to=GROUP)) == "FILTER"


@pytest.mark.parametrize("kind", ["native", "pysim"])
def test_runts(request: pytest.FixtureRequest, native: Opener, kind: str) -> None:
    card = native() if kind == "native" else _pysim(request)
    for size in range(1, 64) if kind == "native" else (1, 7, 8, 63):
        assert outcome(card, frame(size)) == "RUNT", size
    assert outcome(card, frame(64)) == "DONE"


def _pysim(request: pytest.FixtureRequest) -> Card:
    card = Card("pysim")
    request.addfinalizer(card.close)
    return card


def test_kept_runts_say_no_error_of_their_own(native: Opener) -> None:
    """With SBP from 18 bytes on: below that there is no Ethernet header."""
    card = native(rctl=(*RCTL, "SBP"))
    for size in range(1, 64):
        assert outcome(card, frame(size)) == ("DONE" if size >= 18 else "RUNT"), size


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("keep_bad", [False, True])
def test_giants(native: Opener, long: bool, keep_bad: bool) -> None:
    card = native(size=16384, rctl=(*RCTL, *(["LPE"] if long else []), *(["SBP"] if keep_bad else [])))
    limit = 16384 if long or keep_bad else 1522
    for size in (1518, 1522, 1523, 1524, 1530, 2000, 9018, 16380, 16383, 16384, 16385, 16386, 16392, 20_000, 33_000):
        assert outcome(card, frame(size)) == ("DONE" if size <= limit else "GIANT"), size
    assert outcome(card, frame(64)) == "DONE"


def test_a_giant_takes_no_room_from_frames_before_and_after(native: Opener) -> None:
    """40 frames of 20 KB do not fill the 48 KB buffer in which a hundred small ones wait for descriptors."""
    card = native(rx=256)
    wires = [frame(200, seed=k) for k in range(100)]
    for at in range(0, 100, 5):
        card.arrive(*wires[at : at + 5], frame(20_000, seed=at), frame(20_001, seed=at))
    card.settle()
    card.post()
    card.settle()
    assert [one.data for one in card.harvest()] == [wire[:-4] for wire in wires]
    assert card.counts() == {"RB_RXWIRE": 140, "RB_RXDONE": 100, "RB_RXGIANT": 40}


@pytest.mark.parametrize("size", [64, 65, 66, 67, 68, 71, 128, 1522])
def test_bad_fcs(native: Opener, size: int) -> None:
    card = native()
    good = frame(size)
    for at in (0, 6, 14, size // 2, size - 5, size - 4, size - 1):
        bad = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        assert outcome(card, bad) == "CRC", at
    assert outcome(card, good) == "DONE"


def test_wire_error_counts_as_crc(card: Opener) -> None:
    c = card()
    assert [outcome(c, frame(100), error=True), outcome(c, frame(100))] == ["CRC", "DONE"]


def test_a_runt_with_an_error_is_a_runt_a_giant_a_giant(native: Opener) -> None:
    card = native()
    assert outcome(card, frame(40)[:-1] + b"x", error=True) == "RUNT"
    assert outcome(card, frame(3000)[:-1] + b"x", error=True) == "GIANT"


def test_bad_frames_kept_say_why(native: Opener) -> None:
    card = native(rctl=(*RCTL, "SBP"))
    bad = frame(100)[:-1] + b"?"
    for wire, error, ce, rxe in (
        (bad, False, 1, 0),
        (frame(100), True, 0, 1),
        (bad, True, 1, 1),
        (frame(99), False, 0, 0),
    ):
        card.post()
        card.arrive(wire, error=error)
        card.settle()
        (got,) = card.harvest()
        assert got.data == wire[:-4]
        assert (got.last["CE"], got.last["RXE"], got.last["EOP"]) == (ce, rxe, 1)
    assert outcome(card, frame(50, to=OTHER)) == "DONE"  # UPE
    card.receive_on("EN", "SECRC", "SBP")
    assert outcome(card, frame(90, to=OTHER)[:-1] + b"?") == "FILTER"


@pytest.mark.parametrize("long", [16384, 20_000])
def test_frames_of_one_byte_and_of_many(card: Opener, long: int) -> None:
    """The issue's own cases, one after the other; the card goes on."""
    c = card(size=16384, rctl=(*RCTL, "LPE"))
    names = [outcome(c, frame(1)), outcome(c, frame(long)), outcome(c, frame(64))]
    assert names == ["RUNT", "DONE" if long == 16384 else "GIANT", "DONE"]


def test_receive_off_and_link_down(card: Opener) -> None:
    c = card()
    c.receive_on("UPE", "BAM", "SECRC")
    assert outcome(c, frame(64)) == "OFF"
    c.receive_on(*RCTL)
    assert outcome(c, frame(64)) == "DONE"
    c.engine.set_pin("link_up", 0)
    c.run(10)
    assert outcome(c, frame(64)) == "OFF"
    c.engine.set_pin("link_up", 1)
    c.run(10)
    assert outcome(c, frame(64)) == "DONE"
    c.set("CTRL", 0)  # SLU: without it the MAC does not honour the link
    c.get("STATUS")
    assert outcome(c, frame(64)) == "OFF"


def test_receive_switched_in_the_middle_of_a_frame(native: Opener) -> None:
    """What counts is EN at a frame's first beat: it is finished if it was 1, and dropped whole if it was 0.

    The first beat meets RCTL a few clocks after it came off the wire.
    """
    for clocks in range(6, 190, 7):
        card = native()
        card.post()
        wires = [frame(1500, seed=1), frame(1500, seed=2)]
        card.arrive(*wires)
        card.run(clocks)
        card.receive_on("SECRC", "UPE")
        card.settle()
        assert [one.data for one in card.harvest()] == [wires[0][:-4]]
        card.arrive(frame(1500, seed=3), frame(1500, seed=4))
        card.run(clocks)
        card.receive_on(*RCTL)
        card.settle()
        assert [one.data for one in card.harvest()] == [frame(1500, seed=4)[:-4]]
        assert card.counts() == {"RB_RXWIRE": 4, "RB_RXDONE": 2, "RB_RXOFF": 2}


def test_a_dropped_frame_raises_nothing(native: Opener) -> None:
    card = native(rctl=PLAIN)
    card.post()
    card.get("ICR")
    card.arrive(frame(5), frame(64, to=OTHER), frame(3000), fcs(STATION * 20)[:-1] + b"!")
    card.settle()
    assert card.get("ICR") & ~CAUSE["LSC"] == 0
    assert em.RX_LEGACY.decode(card.rx.at(0))["DD"] == 0


@pytest.mark.parametrize("bit", ["LPE", "SBP", "SECRC"])
def test_switches_count_as_they_stood_when_the_frame_began(native: Opener, bit: str) -> None:
    """RCTL written while a long frame is on the wire: what was thought too long at first is not taken after all."""
    card = native(size=16384, rctl=(*PLAIN, "LPE") if bit == "SECRC" else PLAIN)
    wire, small = frame(9000), frame(100)
    for _ in range(2):  # from 0 to 1, and back
        rctl = card.peek("RCTL")
        card.post()
        card.arrive(wire, small)
        card.run(500)
        card.set("RCTL", rctl ^ R["RCTL"].mask(bit))
        card.settle()
        want = []
        for each, then in ((wire, rctl), (small, card.peek("RCTL"))):
            cut = each[:-4] if then & R["RCTL"].mask("SECRC") else each
            want += [cut] if len(each) <= 1522 or then & R["RCTL"].mask("LPE", "SBP") else []
        assert [one.data for one in card.harvest()] == want
