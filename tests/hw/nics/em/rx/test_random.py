"""Any frames at all under any settings against a naive interpreter: data, descriptors, counters, statistics, causes.

Frames, filters, tags, sums, rings, buffers and shares of the packet buffer are drawn; the host gives descriptors when
it likes. What the card says it missed must be what is not there. Nothing here knows how the card does it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from ringbed.drivers.world import Direction
from ringbed.hw.formats import em
from ringbed.hw.formats.em import StopCause
from ringbed.sim.cards import WIDTHS
from ringbed.sim.seam.bus_faults import Access, BusFaults, BusFixed, BusKind
from tests.hw.frame_reference import stock, with_fcs
from tests.hw.nics.em.bench import CAUSE, SIZES, Card, Opener, R
from tests.hw.nics.em.rx.oracle import Address, Judged, Setup, descriptors, judge

PAUSE_DA = bytes.fromhex("0180c2000001")
EVERYONE = b"\xff" * 6
RCTL = ("UPE", "MPE", "BAM", "VFE", "CFIEN", "CFI", "SBP", "LPE", "SECRC", "DPF", "PMCF")
SUMS = ("IPOFL", "TUOFL", "IPV6OFL")
STATISTICS = ("CRCERRS", "RXERRC", "MPC", "RLEC", "XONRXC", "XOFFRXC", "FCRUC", "PRC64", "PRC127", "PRC255", "PRC511",
              "PRC1023", "PRC1522", "GPRC", "BPRC", "MPRC", "RUC", "RFC", "ROC", "RJC", "TPR")  # fmt: skip
DONE = em.RX_LEGACY.pack(DD=1) >> 96
STOPS = {Access.FETCH: StopCause.FETCH, Access.WRITE: StopCause.DATA, Access.WRITEBACK: StopCause.WRITEBACK}
DELAYS = 5000  # clocks
Arrival = tuple[bytes, bool]
Kind = Callable[[Opener, int, int], None]


@dataclass
class Host:
    """Gives buffers, takes frames: each frame's bytes, and its descriptors as they are in memory."""

    card: Card
    rng: random.Random
    nulls: float = 0.0  # share of descriptors without a buffer
    was: dict[int, bytes] = field(default_factory=dict)  # what lay in a buffer when it was given
    frames: list[tuple[bytes, list[bytes], list[int]]] = field(default_factory=list)
    open: tuple[bytes, list[bytes], list[int]] = (b"", [], [])

    def give(self, most: int) -> None:
        card, rng = self.card, self.rng
        for _ in range(min(most, card.rx.free)):
            junk = {name: rng.randrange(1 << 16) for name in ("length", "checksum", "special")}
            if rng.random() < self.nulls:
                card.rx.put(em.RX_LEGACY.encode(address=0, **junk))
                continue
            where = rng.choice((None, rng.randrange(4096)))
            buffer = card.memory.map(bytes(card.size), Direction.FROM_DEVICE, where)
            self.was[buffer.iova] = buffer.read(card.size)
            card.rx.put(em.RX_LEGACY.encode(address=buffer.iova, **junk), buffer)
        card.rx.bell()

    def take(self) -> None:
        ring = self.card.rx
        while ring.next != ring.tail:
            word, slot = ring.at(ring.next), ring.slots[ring.next]
            if not word[12] & DONE:
                break
            data, words, addresses = self.open
            if slot is not None:
                length, all_of_it = int.from_bytes(word[8:10], "little"), slot.read(self.card.size)
                data += all_of_it[:length]
                assert all_of_it[length:] == self.was.pop(slot.iova)[length:], "written behind the frame's end"
            self.open = data, [*words, word], [*addresses, slot.iova if slot is not None else 0]
            ring.release(ring.next)
            ring.next = (ring.next + 1) % ring.count
            if word[12] & 2:
                self.frames.append(self.open)
                self.open = b"", [], []


# What software sets ---------------------------------------------------------------------------------------------


def drawn_setup(rng: random.Random) -> Setup:
    likely = rng.choice((0.2, 0.5, 0.8))
    addresses = [Address(bytes([rng.randrange(256) & 0xFE]) + rng.randbytes(5), rng.random() < 0.8) for _ in range(16)]
    addresses[rng.randrange(16)] = Address(bytes([1]) + rng.randbytes(5))
    addresses[rng.randrange(16)] = Address(rng.choice((EVERYONE, PAUSE_DA)), rng.random() < 0.2)
    addresses[rng.randrange(16)] = Address(bytes.fromhex("0200000000fe"), rng.random() < 0.2, by_source=True)
    return Setup(
        rctl=frozenset(name for name in RCTL if rng.random() < likely), addresses=tuple(addresses),
        rxcsum=frozenset(name for name in SUMS if rng.random() < 0.8),
        pcss=rng.choice((0, 14, rng.randrange(256))), mo=rng.randrange(4),
        mta=frozenset(rng.randrange(4096) for _ in range(8)), vfta=frozenset(rng.randrange(4096) for _ in range(8)),
        vme=rng.random() < 0.5, vet=rng.choice((0x8100, 0x8100, 0x88A8, 0x9100, rng.randrange(1 << 16))),
        fct=rng.choice((0x8808, 0x8808, 0, rng.randrange(1 << 16))), pause_da=rng.choice((PAUSE_DA, rng.randbytes(6))),
    )  # fmt: skip


def program(card: Card, s: Setup, before: Setup | None) -> None:
    """All of it with EN 0; then the ring from its beginning, and EN."""
    for name, bits, old in (("MTA", s.mta, before and before.mta), ("VFTA", s.vfta, before and before.vfta)):
        for word in {bit >> 5 for bit in bits | (old or frozenset())}:
            card.engine.write(R[name].offset + 4 * word, sum(1 << (bit & 31) for bit in bits if bit >> 5 == word))
    for number, each in enumerate(s.addresses):
        high = int.from_bytes(each.value[4:], "little") | each.by_source << 16 | each.valid << 31
        for name, value in (("RAL", int.from_bytes(each.value[:4], "little")), ("RAH", high)):
            card.engine.write(R[name].offset + 8 * number, value)
    card.set("VET", s.vet)
    card.set("FCT", s.fct)
    card.set("FCAL", int.from_bytes(s.pause_da[:4], "little"))
    card.set("FCAH", int.from_bytes(s.pause_da[4:], "little"))
    card.set("CTRL", R["CTRL"].mask("SLU", *(["VME"] if s.vme else [])))
    card.set("RXCSUM", R["RXCSUM"].mask(*s.rxcsum) | s.pcss)
    card.rx.program()
    bsex, bsize = SIZES[card.size]
    card.set("RCTL", R["RCTL"].mask("EN", *s.rctl) | R["RCTL"].pack(BSIZE=bsize, BSEX=bsex, MO=s.mo))
    card.get("STATUS")


# What the wire brings -------------------------------------------------------------------------------------------


def a_destination(rng: random.Random, s: Setup) -> bytes:
    known = rng.choice(s.addresses).value
    near = bytearray(known)
    near[rng.randrange(6)] ^= 1 << rng.randrange(8)
    group = bytes([rng.randrange(256) | 1]) + rng.randbytes(5)
    if s.mta and rng.random() < 0.7:  # one whose bit is set, or the one beside it
        index = (rng.choice(sorted(s.mta)) + rng.choice((0, 0, 1))) & 0xFFF
        group = group[:4] + (index << (4, 3, 2, 0)[s.mo] & 0xFFFF).to_bytes(2, "little")
    return rng.choice((known, known, known, s.addresses[0].value, bytes(near), group, group, EVERYONE, s.pause_da,
                       rng.randbytes(6)))  # fmt: skip


def a_tag(rng: random.Random, s: Setup) -> bytes:
    vid = rng.choice((*sorted(s.vfta), 0, rng.randrange(4096)))
    kind = rng.choice((s.vet, s.vet, s.vet, 0x8100))
    return kind.to_bytes(2, "big") + (rng.randrange(16) << 12 | vid).to_bytes(2, "big")


def a_control(rng: random.Random, s: Setup) -> bytes:
    opcode, time = rng.choice((1, 1, 1, 2, 0x101)), rng.choice((0, 0, 1, 0xFFFF, 256))
    return (s.fct.to_bytes(2, "big") + opcode.to_bytes(2, "big") + time.to_bytes(2, "big")).ljust(rng.choice((48, 70)))


def a_frame(rng: random.Random, s: Setup, packets: list[bytes]) -> Arrival:
    kind = rng.choices(("packet", "control", "plain", "size"), (10, 2, 4, 4))[0]
    if kind == "packet":
        body = rng.choice(packets)[12:-4]
        body = s.vet.to_bytes(2, "big") + body[2:] if body[:2] == b"\x81\x00" and rng.random() < 0.7 else body
    elif kind == "control":
        body = a_control(rng, s)
    else:
        edges = (64, 65, 1518, 1519, 1521, 1522, 1523, 1526, rng.randrange(64, 3000), rng.randrange(18, 64))
        size = rng.choice(edges) if kind == "size" else rng.randrange(64, 400)
        body = b"\x88\xb5" + rng.randbytes(size - 18)
    for _ in range(rng.choices((0, 1, 2), (12, 5, 1))[0]):
        body = a_tag(rng, s) + body
    source = rng.choice((bytes.fromhex("0200000000fe"), rng.randbytes(6)))
    frame = a_destination(rng, s) + source + body
    if rng.random() < 0.8:
        frame += rng.randbytes(max(0, 60 - len(frame)))
    return damaged(rng, frame)


def damaged(rng: random.Random, frame: bytes) -> Arrival:
    """Some of them: cut short with an FCS that is right all the same, a bit flipped, an error on the wire."""
    kind = rng.randrange(24)
    if kind == 0:
        frame = frame[: rng.randrange(0, max(1, min(64, len(frame))))]
    wire = with_fcs(frame)
    if kind == 1:
        spot = rng.randrange(8 * len(wire))
        wire = (int.from_bytes(wire, "little") ^ 1 << spot).to_bytes(len(wire), "little")
    if kind == 2:
        wire = wire[: rng.randrange(1, len(wire))]
    return wire, kind in (3, 4)


def a_giant(rng: random.Random, s: Setup) -> Arrival:
    size = rng.choice((rng.randrange(1523, 17_000), 16_383, 16_384, 16_385, 17_500))
    return with_fcs(a_destination(rng, s) + rng.randbytes(size - 10)), False


# One round ------------------------------------------------------------------------------------------------------


def matched(host: Host, judged: list[Judged], whole: bool = True) -> list[bool]:
    """Which of the frames came, each of them compared to the last bit; those the card kept and lost are missed."""
    came, at = [False] * len(judged), 0
    for data, words, addresses in host.frames:
        while at < len(judged):
            each, at = judged[at], at + 1
            if not each.drop and each.data == data and words == descriptors(each, addresses, host.card.size):
                came[at - 1] = True
                break
        else:
            raise AssertionError(f"no frame sent should have come like this: {data.hex()} {[w.hex() for w in words]}")
    assert not whole or host.open == (b"", [], [])
    return came


def accounted(card: Card, judged: list[Judged], came: list[bool], before: dict[str, int], small: int = 0) -> None:
    """The card's own counters and the statistics are those of the frames it took, and of those it missed."""
    want, statistics = Counter({"RB_RXWIRE": len(judged)}), Counter[str]()
    for each, here in zip(judged, came, strict=True):
        want["RB_RX" + (each.drop or ("DONE" if here else "MISS"))] += 1
        statistics += each.counts if here or each.drop else each.if_missed
    after = card.counts()
    assert {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)} == want
    got = {name: card.get(name) for name in STATISTICS}
    got |= {name: card.get(name + "L") | card.get(name + "H") << 32 for name in ("GORC", "TOR")}
    assert {name: value for name, value in got.items() if value} == dict(+statistics)
    assert card.get("RNBC") <= statistics["GPRC"]
    causes = card.get("ICR")
    assert bool(causes & CAUSE["RXT0"]) == any(came)
    told = any(here and len(each.data) <= small for each, here in zip(judged, came, strict=True))
    assert bool(causes & CAUSE["SRPD"]) == told
    assert bool(causes & CAUSE["RXO"]) == bool(want["RB_RXMISS"])


def drawn(rng: random.Random, s: Setup, packets: list[bytes], count: int) -> list[Arrival]:
    arrivals = [a_frame(rng, s, packets) for _ in range(count)]
    return arrivals + [a_giant(rng, s) for _ in range(rng.choice((0, 0, 2)))]


def traffic(card: Card, host: Host, rng: random.Random, arrivals: list[Arrival]) -> None:
    """Frames in bursts, descriptors when the host likes; a greedy host, an idle one, one in between."""
    rest, most, pause = list(arrivals), rng.choice((2, 8, 200)), rng.choice((10, 300, 3000))
    while rest:
        batch = rest[: rng.randrange(1, 30)]
        del rest[: len(batch)]
        for wire, error in batch:
            card.arrive(wire, error=error)
        card.run(rng.randrange(pause))
        host.take()
        if rng.random() < 0.8:
            host.give(rng.randrange(most + 1))


def emptied(card: Card, host: Host) -> None:
    """Descriptors until nothing is inside, and no delay is running any more."""
    card.settle(4_000_000)
    for _ in range(10_000):
        card.run(DELAYS)
        host.take()
        if not card.inside()[0]:
            return
        host.give(card.rx.count)
        card.settle()
    raise AssertionError(f"frames stay inside: {card.counts()}")


def moderate(card: Card, rng: random.Random) -> int:
    """When write-backs and causes come; gives RSRPD. No delay is longer than DELAYS."""
    small = rng.choice((0, 0, 60, 64, 200))
    card.set("RDTR", rng.choice((0, 0, 1, 8)))
    card.set("RADV", rng.choice((0, 1, 20)))
    card.set("RXDCTL", rng.choice((0, 1, 3, 8, 40)) << R["RXDCTL"]["WTHRESH"].lsb)
    card.set("RSRPD", small)
    return small


def rounds(card: Card, rng: random.Random, count: int) -> Iterator[Setup]:
    """Settings, each with an empty ring and cleared counters; the share of the packet buffer changes with a reset."""
    before = None
    for number in range(count):
        card.set("RCTL", 0)
        card.settle()
        if number == 0 or rng.random() < 0.3:
            card.set("PBA", rng.choice((0, 8, 16, 48, 48, 56, 64, 127)))
            card.reset()
        card.size = rng.choice(sorted(SIZES, key=str))
        s = drawn_setup(rng)
        program(card, s, before)
        before = s
        for name in (*STATISTICS, "RNBC", "GORCH", "TORH", "ICR"):
            card.get(name)
        yield s


def opened(native: Opener, width: int, rng: random.Random, seed: int) -> Card:
    return native(width=width, rx=rng.choice((8, 16, 64, 256)), seed=seed, up=False,
                  read_latency=rng.choice((1, 50, 250)), write_latency=rng.choice((1, 50, 250)),
                  backpressure=rng.choice((0.0, 0.0, 0.3, 0.6)), link_bps=rng.choice((None, 10**9)))  # fmt: skip


def all_of_it(native: Opener, width: int, seed: int) -> None:
    rng, packets = random.Random(seed), stock(seed)
    card = opened(native, width, rng, seed)
    for s in rounds(card, rng, 4):
        arrivals = drawn(rng, s, packets, 60)
        judged, before = [judge(s, *each) for each in arrivals], card.counts()
        host, small = Host(card, rng, rng.choice((0.0, 0.0, 0.3))), moderate(card, rng)
        traffic(card, host, rng, arrivals)
        emptied(card, host)
        accounted(card, judged, matched(host, judged), before, small)


def on_interrupts_alone(native: Opener, width: int, seed: int) -> None:
    """A host that looks, and gives descriptors, only when RXT0 or RXDMT0 told it to; and one at least each time."""
    rng, packets = random.Random(seed), stock(seed)
    card = opened(native, width, rng, seed)
    for s in rounds(card, rng, 3):
        arrivals = drawn(rng, s, packets, 60)
        judged, before = [judge(s, *each) for each in arrivals], card.counts()
        host = Host(card, rng, rng.choice((0.0, 0.0, 0.3)))
        moderate(card, rng)
        host.give(rng.randrange(1, card.rx.count))
        for wire, error in arrivals:
            card.arrive(wire, error=error)
        causes, most = 0, rng.choice((1, 5, card.rx.count))
        while card.peek("ICR") & (CAUSE["RXT0"] | CAUSE["RXDMT0"]) or not idle(card):
            card.run(rng.randrange(2000))
            told = card.get("ICR")
            causes |= told
            if told & (CAUSE["RXT0"] | CAUSE["RXDMT0"]):
                host.take()
                host.give(rng.randrange(1, most + 1))
        assert not card.inside()[0], (card.counts(), card.get("RDH"), card.get("RDT"))
        card.set("ICS", causes)
        accounted(card, judged, matched(host, judged), before, card.get("RSRPD"))


def idle(card: Card) -> bool:
    card.settle(4_000_000)
    card.run(DELAYS)
    return not card.peek("ICR") & (CAUSE["RXT0"] | CAUSE["RXDMT0"])


def one_by_one(native: Opener, width: int, seed: int) -> None:
    """Each frame alone, and descriptors only while nothing moves: RXDMT0 is known each time."""
    rng, packets = random.Random(seed), stock(seed)
    card = opened(native, width, rng, seed)
    for s in rounds(card, rng, 3):
        host, share = Host(card, rng, rng.choice((0.0, 0.3))), rng.randrange(3)
        for name in ("RDTR", "RSRPD"):
            card.set(name, 0)
        card.set("RCTL", card.get("RCTL") | share << R["RCTL"]["RDMTS"].lsb)
        for wire, error in drawn(rng, s, packets, 40):
            judged, before = judge(s, wire, error), len(host.frames)
            host.give(rng.randrange(3) if card.rx.free else 0)
            card.settle()
            card.arrive(wire, error=error)
            stepped(card, host, share)
            while card.inside()[0]:
                host.give(rng.choice((1, 2, 5, card.rx.count)))
                stepped(card, host, share)
            for _, words, addresses in host.frames[before:]:
                assert words == descriptors(judged, addresses, card.size)


def stepped(card: Card, host: Host, share: int) -> None:
    """Until the card is idle; then it has told of what it did, and of no more."""
    owned, before = (card.rx.tail - card.rx.next) % card.rx.count, len(host.frames)
    card.settle()
    host.take()
    left, limit = (card.rx.tail - card.rx.next) % card.rx.count, card.rx.count >> (1 + share)
    causes, whole = card.get("ICR"), len(host.frames) > before
    dry = left == 0 < owned and not whole
    assert bool(causes & CAUSE["RXDMT0"]) == (left <= limit < owned or dry), (owned, left, limit)
    assert bool(causes & CAUSE["RXT0"]) == whole
    assert card.get("RDH") == card.rx.next


def torn(native: Opener, width: int, seed: int) -> None:
    """CTRL.RST, or a bus error, at any time: what came by then is right and in order, the account is exact."""
    rng, packets = random.Random(seed), stock(seed)
    card = opened(native, width, rng, seed)
    for s in rounds(card, rng, 6):
        arrivals = drawn(rng, s, packets, 60)
        judged, before = [judge(s, *each) for each in arrivals], card.counts()
        host, fault = Host(card, rng, rng.choice((0.0, 0.3))), None
        moderate(card, rng)
        if rng.random() < 0.6:
            access = rng.choice((Access.FETCH, Access.WRITE, Access.WRITEBACK))
            fault = BusFixed(rng.choice((BusKind.SLVERR, BusKind.DECERR)), access, rng.randrange(40))
            card.engine.set_bus_faults(BusFaults(fixed=(fault,)))
        host.give(card.rx.count)
        traffic(card, host, rng, arrivals[: rng.randrange(len(arrivals))] if fault is None else arrivals)
        if fault is not None:
            card.settle(4_000_000)
            log, stop = card.engine.bus_fault_log(), card.get("RB_RXSTOP")
            assert bool(log) == bool(stop)
            assert not log or stop == STOPS[fault.access]
        card.reset()
        host.take()
        came = matched(host, judged, whole=False)
        card.engine.set_bus_faults(BusFaults())
        card.settle(4_000_000)
        after = card.counts()
        grown = {name: after[name] - before.get(name, 0) for name in after}
        assert grown.get("RB_RXDONE", 0) == sum(came)
        assert card.inside() == (0, 0)
        for name in ("RUNT", "GIANT", "CRC", "PAUSE", "FILTER", "VLAN"):
            assert grown.get("RB_RX" + name, 0) <= sum(each.drop == name for each in judged)


KINDS = (all_of_it, on_interrupts_alone, one_by_one, torn)


@pytest.mark.parametrize("width", [64, 512])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_any_frames(native: Opener, kind: Kind, width: int, seed: int) -> None:
    kind(native, width, seed)


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_any_frames_more(native: Opener, kind: Kind, width: int) -> None:
    for seed in range(2000, 2040):
        kind(native, width, seed)
