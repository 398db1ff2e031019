"""Suite `dma`: where a frame lies in memory does not matter, and what lies behind it stays there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from random import Random

from ringbed.conformance.frames.made import PEER, STATION
from ringbed.conformance.nic.agree import Judge
from ringbed.conformance.nic.case import Case, Plan
from ringbed.conformance.nic.suites.rules import rules
from ringbed.conformance.nic.suites.segmentation import Wish, cut
from ringbed.conformance.nic.suites.stack import PLAIN, Stack
from ringbed.conformance.nic.target import Arrival, Offer, Place, Setup
from ringbed.sim.wire.payload import payload

__all__ = ["RULES", "cases"]

RULES = rules(
    ("dma.tx.align", "A frame that begins at any byte leaves whole", "erratum tx-csum-needs-4byte-aligned-buffer"),
    ("dma.tx.pieces", "A frame in pieces of any length leaves whole", "erratum dma-fman-16-byte-alignment"),
    ("dma.tx.byte", "A piece of one byte is one byte, wherever it lies", "erratum tx-csum-odd-fragment-length-1"),
    ("dma.tx.field", "A sum whose field is split over two pieces is put in whole",
     "erratum tx-csum-odd-fragment-length-1"),
    ("dma.tx.sum", "Sums over many pieces at any address are right", "erratum tx-csum-depends-on-fcb-alignment"),
    ("dma.tx.page", "A piece over the border of a page leaves whole", "erratum dma-unaligned-over-512-falcon"),
    ("dma.tx.64k", "A piece over a border of 64 KiB leaves whole", "erratum dma-unaligned-over-512-falcon"),
    ("dma.tx.4g", "A piece over 4 GiB leaves whole", "erratum tso-buffer-near-4g-5762"),
    ("dma.tx.high", "A piece beyond 2^32, 2^40 or 2^48 leaves whole", "erratum tx-64bit-address-hang"),
    ("dma.tx.mixed", "Pieces below and beyond 4 GiB in one frame leave in their order",
     "erratum dma-high-address-visible-last"),
    ("dma.tx.leak", "The pad of a short frame is zeros, never what lies behind it",
     "erratum pad-leaks-memory-etherleak"),
    ("dma.tx.behind", "Bytes behind a piece are in no frame", "erratum pad-leaks-memory-etherleak"),
    ("dma.tx.cut", "A message whose data cross a border is cut right", "erratum tso-buffer-near-4g-5762"),
    ("dma.rx.align", "A buffer that begins at any byte gets the frame whole",
     "erratum dma-rx-alignment-fifo-hang-yukon"),
    ("dma.rx.page", "A buffer over the border of a page gets the frame whole", "erratum dma-scatter-alignment-tc9021"),
    ("dma.rx.chain", "A frame longer than a buffer is in as many as it needs, with one verdict",
     "erratum rx-lro-status-from-wrong-descriptor"),
    ("dma.rx.border", "A frame as long as its buffers, and a byte more or less, comes whole",
     "erratum jumbo-frame-at-limit-marked-truncated"),
)  # fmt: skip
PAGE, K64, G2, G4 = 1 << 12, 1 << 16, 1 << 31, 1 << 32
PATTERN = b"\xa5" * 96
NEAR = (1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 59, 63, 64)
NEEDS = ("dma.scatter",)
RX_OFFSETS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 31, 33, 63, 64, 2049, 4033, 4090, 4095)


def cases(judge: Judge) -> Iterator[Case]:
    yield from _where()
    yield from _pieces()
    yield from _leaks()
    yield from _cuts()
    yield from _receiving(judge)


def _case(rule: str, name: str, length: int, places: Sequence[int], cuts: Sequence[int] = ()) -> Case:
    """A bare frame in pieces that end at `cuts`, each at its place."""
    return Case(f"dma.tx.{name}", RULES[rule], partial(_bare, length, tuple(cuts), tuple(places)), needs=NEEDS)


def _frame(length: int, rng: Random) -> bytes:
    return (PEER + STATION + b"\x88\xb5" + payload(rng.randrange(3), length))[:length]


def _split(frame: bytes, cuts: Sequence[int]) -> tuple[bytes, ...]:
    edges = [0, *cuts, len(frame)]
    return tuple(frame[a:b] for a, b in zip(edges, edges[1:], strict=False))


def _bare(length: int, cuts: Sequence[int], places: Sequence[int], rng: Random) -> Plan:
    frame = _frame(length, rng)
    return Plan((Offer(_split(frame, cuts), places=tuple(Place(each, PATTERN) for each in places)),), ((frame,),))


def _where() -> Iterator[Case]:
    for start in range(64):
        for length in (60, 61, 128):
            yield _case("dma.tx.align", f"start-{start}.len-{length}", length, [G2 + start])
    for border, name in ((PAGE, "page"), (K64, "64k")):
        for before in NEAR:
            for length in (65, 300):
                yield _case(f"dma.tx.{name}", f"{name}.before-{before}.len-{length}", length, [G2 + border - before])
    for before in NEAR:
        for length in (65, 300, 1514):
            yield _case("dma.tx.4g", f"4g.before-{before}.len-{length}", length, [G4 - before])
    for power in (32, 40, 48):
        for start in (0, 1, 7, 64, 4095, -1, -64):
            yield _case("dma.tx.high", f"high-{power}.at{start:+d}".replace("+", "-plus-"), 100, [(1 << power) + start])


def _pieces() -> Iterator[Case]:
    for size in range(1, 10):
        for start in (0, 1, 3, 7):
            count = 12
            cuts = [size * (n + 1) for n in range(count)]
            places = [G2 + 256 * n + start + n for n in range(count + 1)]
            yield _case("dma.tx.pieces", f"pieces-of-{size}.start-{start}", 130, places, cuts)
    for at in (*range(1, 20), 33, 34, 41, 42, 58, 59):
        places = [G2 + 5, G2 + PAGE + at, G2 + 2 * PAGE + 3]
        yield _case("dma.tx.byte", f"byte-{at}", 60, places, [at, at + 1])
    for order in range(8):
        places = [(G4 if order >> n & 1 else G2) + 512 * n + order for n in range(3)]
        yield _case("dma.tx.mixed", f"mixed-{order}", 200, places, [40 + order, 100])
    for stack in PLAIN:
        for number in range(6):
            make = partial(_summed, stack, 3 + 2 * number)
            yield Case(f"dma.tx.{stack.name}.sum-{number}", RULES["dma.tx.sum"], make, needs=(*NEEDS, *stack.needs))
        for back in range(4):
            yield Case(f"dma.tx.{stack.name}.field-{back}", RULES["dma.tx.field"], partial(_field, stack, back),
                       needs=(*NEEDS, *stack.needs))  # fmt: skip


def _summed(stack: Stack, count: int, rng: Random) -> Plan:
    """In `count` pieces anywhere, at any address."""
    built = stack.build(rng, payload(1, 120))
    cuts = sorted(rng.sample(range(1, len(built.frame)), count - 1))
    bases = rng.sample((G2, G2 + K64, G4, G4 + PAGE, 1 << 40), 3)
    places = [Place(rng.choice(bases) + 512 * n + rng.randrange(256), PATTERN) for n in range(count)]
    return Plan((built.offered(cuts=cuts, places=places),), ((built.must_leave(stack.name),),))


def _field(stack: Stack, back: int, rng: Random) -> Plan:
    """A piece ends `back` bytes before the sum's last byte."""
    built = stack.build(rng, payload(1, 61))
    at = built.place.offset + 2 - back
    places = [Place(G2 + 1, PATTERN), Place(G2 + PAGE + 6, PATTERN)]
    return Plan((built.offered(cuts=[at], places=places),), ((built.must_leave(stack.name),),))


def _leaks() -> Iterator[Case]:
    for length in range(14, 61):
        yield _case("dma.tx.leak", f"leak.len-{length}", length, [G2 + length % 8])
    for last in range(1, 10):
        for start in (0, 3, 7):
            yield _case("dma.tx.behind", f"behind.last-{last}.start-{start}", 50 + last,
                        [G2, G2 + PAGE + start], [50])  # fmt: skip


def _cuts() -> Iterator[Case]:
    for wish in (Wish(1000, 100), Wish(1000, 100, True), Wish(1000, 100, udp=True)):
        for border, name in ((G2 + PAGE, "page"), (G2 + K64, "64k"), (G4, "4g")):
            for before in (1, 50, 99, 100, 101, 999):
                yield Case(f"dma.tx.cut.{wish.base}.{name}.before-{before}", RULES["dma.tx.cut"],
                           partial(_cut, wish, border - before), needs=(*NEEDS, f"tso.{wish.base}"))  # fmt: skip


def _cut(wish: Wish, address: int, rng: Random) -> Plan:
    """The data at `address`, the header elsewhere; that it ends there is where buffers near 4 GiB go wrong."""
    message = wish.made(rng)
    offer, rights = cut(message, [len(message.header)])
    return Plan((replace(offer, places=(Place(G2 + 77, PATTERN), Place(address, PATTERN))),), rights)


def _receiving(judge: Judge) -> Iterator[Case]:
    for offset in RX_OFFSETS:
        rule = "dma.rx.page" if offset >= 2049 else "dma.rx.align"
        for length in (60, 61, 63, 64, 65, 127, 300, 1514):
            yield Case(f"dma.rx.offset-{offset}.len-{length}", RULES[rule], partial(_arrived, judge, length, False),
                       Setup(rx_offset=offset), ("rx.verdicts",))  # fmt: skip
    for size in (256, 512, 1024):
        setup = Setup(buffer_size=size)
        for times in (1, 2, 3, 4):
            for more in (-1, 0, 1):
                length = size * times + more
                if length <= 1514:
                    yield Case(f"dma.rx.buffer-{size}.len-{length}", RULES["dma.rx.border"],
                               partial(_arrived, judge, length, False), setup, ("rx.verdicts",))  # fmt: skip
        for length in (600, 1100, 1500):
            for bad in (False, True):
                yield Case(f"dma.rx.buffer-{size}.chain-{length}.{'bad' if bad else 'good'}", RULES["dma.rx.chain"],
                           partial(_arrived, judge, length, bad), setup, ("rx.verdicts",))  # fmt: skip


def _arrived(judge: Judge, length: int, bad: bool, rng: Random) -> Plan:
    stack = rng.choice([each for each in PLAIN if each.headers <= length])
    built = stack.build(rng, payload(2, length - stack.headers))
    frame = built.frame
    if bad:
        frame = frame[:-1] + bytes([frame[-1] ^ 0x04])
    return Plan(arrivals=(Arrival(frame),), comes=(judge.coming("a received frame", frame),))
