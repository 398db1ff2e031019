"""Suite `rings`: rings of every size, many times around, made anew under traffic, full, and out of buffers.

What must come is what was put in, in order, once; no oracle is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random

from ringbed.conformance.frames.made import PEER, STATION
from ringbed.conformance.nic.case import Case, Coming, Difference, Plan
from ringbed.conformance.nic.compare import received, sent
from ringbed.conformance.nic.suites.rules import rules
from ringbed.conformance.nic.suites.segmentation import Wish, cut
from ringbed.conformance.nic.suites.stack import PLAIN
from ringbed.conformance.nic.target import Arrival, NicUnderTest, Offer, Received, Setup
from ringbed.sim.wire.payload import payload

__all__ = ["RULES", "cases"]

RULES = rules(
    ("ring.tx", "A transmit ring of any size sends in order, many times around", "erratum ring-wrap-index-not-wrapped"),
    ("ring.rx", "A receive ring of any size hands on in order, many times around",
     "erratum ring-stale-flags-after-wrap"),
    ("ring.tx-wrap", "A frame whose pieces lie on both sides of the ring's end leaves whole",
     "erratum ring-wrap-index-not-wrapped"),
    ("ring.tx-sums", "Sums, and no sums, are as asked for when descriptors are used again",
     "erratum ring-stale-flags-after-wrap"),
    ("ring.tx-cut", "A message over the end of the ring is cut right", "erratum ring-stale-flags-after-wrap"),
    ("ring.tx-full", "A ring that is full takes no more, and loses nothing", "M 3.4"),
    ("ring.resize-tx", "What was offered before a transmit ring is made anew leaves, in order",
     "erratum stale-descriptor-cache-after-enable"),
    ("ring.resize-rx", "Frames come in order before and behind a receive ring that is made anew",
     "erratum stale-descriptor-cache-after-enable"),
    ("ring.overrun", "Frames that find no buffer are lost, never half; those before and behind come",
     "erratum rx-overflow-hang-gem"),
    ("ring.one-by-one", "Frames with a pause after each come, each before the next", "erratum irq-rx-event-missing"),
)  # fmt: skip
SIZES = (8, 16, 24, 32, 40, 48, 64, 80, 96, 104, 120, 128, 136, 200, 256, 264, 512)
NEEDS = ("rings.resize",)
SETUP = Setup()


def cases() -> Iterator[Case]:
    for size in SIZES:
        for times in (1, 2, 3):
            count = min(times * size + 1 + size // 3, 400)
            yield _case("ring.tx", f"tx.size-{size}.around-{times}", partial(_tx, size, count))
            yield _case("ring.rx", f"rx.size-{size}.around-{times}", partial(_rx, size, count))
        yield _case("ring.resize-tx", f"resize-tx.to-{size}", partial(_resize_tx, size))
        yield _case("ring.resize-rx", f"resize-rx.to-{size}", partial(_resize_rx, size))
        yield _case("ring.tx-full", f"full.size-{size}", partial(_full, size))
    for size in (8, 16, 24):
        for shift in range(8):
            yield _case("ring.tx-wrap", f"wrap.size-{size}.shift-{shift}", partial(_wrap, size, shift))
            yield _case("ring.tx-cut", f"cut.size-{size}.shift-{shift}", partial(_cut, size, shift), ("tso.tcp4",))
        for number in range(3):
            yield _case("ring.tx-sums", f"sums.size-{size}.{number}", partial(_sums, size),
                        ("tx.ipv4", "tx.l4.ipv4", "tx.l4.ipv6"))  # fmt: skip
    for size in (8, 16, 64):
        for more in (1, 5, 40):
            yield _case("ring.overrun", f"overrun.size-{size}.more-{more}", partial(_overrun, size, more))
        for count in (1, 7, 8, 9, 17):
            yield _case("ring.one-by-one", f"one-by-one.size-{size}.{count}", partial(_one_by_one, size, count))


Script = Callable[[NicUnderTest], Iterator[Difference]]


def _case(rule: str, name: str, make: Callable[[Random], Script], needs: Sequence[str] = ()) -> Case:
    return Case(f"ring.{name}", RULES[rule], partial(_plan, make), SETUP, (*NEEDS, *needs), scripted=True)


def _plan(make: Callable[[Random], Script], rng: Random) -> Plan:
    """The rings are as they were when it is done."""
    inner = make(rng)

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        try:
            yield from inner(nic)
        finally:
            nic.set_rings(SETUP.rx_ring, SETUP.tx_ring)
            nic.receive(())
            nic.send(())

    return Plan(script=script)


def _frames(count: int, rng: Random, to: bytes = STATION) -> list[bytes]:
    """Each with a number of its own."""
    start = rng.randrange(1 << 16)
    return [to + PEER + b"\x88\xb5" + (start + n).to_bytes(4, "big") + payload(n % 3, rng.randrange(42, 120))
            for n in range(count)]  # fmt: skip


def _offers(frames: Sequence[bytes]) -> list[Offer]:
    return [Offer((each,)) for each in frames]


def _left(right: Sequence[bytes], left: Sequence[bytes]) -> Iterator[Difference]:
    for _, difference in sent([Plan(leaves=[(each,) for each in right])], left):
        yield difference


def _came(right: Sequence[bytes], came: Sequence[Received]) -> Iterator[Difference]:
    for _, difference in received([Plan(comes=[Coming(each) for each in right])], came):
        yield difference


def _tx(size: int, count: int, rng: Random) -> Script:
    frames = _frames(count, rng)

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        nic.set_rings(64, size)
        yield from _left(frames, nic.send(_offers(frames)))

    return script


def _rx(size: int, count: int, rng: Random) -> Script:
    """In bursts that the ring holds."""
    frames = _frames(count, rng)

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        nic.set_rings(size, 64)
        came, step = list[Received](), min(size - 1, 60)
        for at in range(0, count, step):
            came += nic.receive([Arrival(each) for each in frames[at : at + step]])
        yield from _came(frames, came)

    return script


def _wrap(size: int, shift: int, rng: Random) -> Script:
    """`shift` frames of one descriptor, and then frames of five pieces."""
    first, whole = _frames(shift, rng), _frames(9, rng)
    pieces = [Offer((each[:9], each[9:20], each[20:21], each[21:40], each[40:])) for each in whole]

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        nic.set_rings(64, size)
        yield from _left([*first, *whole], [*nic.send(_offers(first)), *nic.send(pieces)])

    return script


def _cut(size: int, shift: int, rng: Random) -> Script:
    first = _frames(shift, rng)
    messages = [cut(Wish(300 + n, 100).made(rng), [54, 200]) for n in range(6)]
    right = [*first, *(frame for _, rights in messages for (frame,) in rights)]

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        nic.set_rings(64, size)
        yield from _left(right, nic.send([*_offers(first), *(offer for offer, _ in messages)]))

    return script


def _sums(size: int, rng: Random) -> Script:
    """Frames with sums of every stack and without, in any order."""
    offers, right = list[Offer](), list[bytes]()
    for number in range(40):
        if rng.randrange(3):
            built = rng.choice(PLAIN).build(rng, payload(1, 20 + number))
            offers.append(built.offered())
            right.append(built.must_leave("a frame of a ring"))
        else:
            right += _frames(1, rng)
            offers += _offers(right[-1:])

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        nic.set_rings(64, size)
        yield from _left(right, nic.send(offers))

    return script


def _full(size: int, rng: Random) -> Script:
    """More than fits are offered at once; what was taken leaves, and then the rest."""
    frames = _frames(size + 9, rng)

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        nic.set_rings(64, size)
        taken = nic.offer(_offers(frames))
        if not 0 < taken < size:
            yield Difference("what a ring takes of more than it holds", f"1 to {size - 1} frames", f"{taken}")
        nic.rest()
        yield from _left(frames[:taken], nic.left())
        yield from _left(frames[taken:], nic.send(_offers(frames[taken:])))

    return script


def _resize_tx(size: int, rng: Random) -> Script:
    frames = _frames(60, rng)

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        nic.set_rings(64, 64)
        taken = nic.offer(_offers(frames[:30]))
        nic.set_rings(64, size)
        left = nic.left()
        yield from _left(frames[:taken] + frames[30:], [*left, *nic.send(_offers(frames[30:]))])

    return script


def _resize_rx(size: int, rng: Random) -> Script:
    """None is on the wire while the ring is made anew: a card that is reset hears nothing."""
    frames = _frames(24, rng)

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        nic.set_rings(64, 64)
        came = nic.receive([Arrival(each) for each in frames[:12]])
        nic.set_rings(size, 64)
        for at in range(12, 24, 4):
            came += nic.receive([Arrival(each) for each in frames[at : at + 4]])
        yield from _came(frames, came)

    return script


def _overrun(size: int, more: int, rng: Random) -> Script:
    """A burst of more frames than buffers: those that come are the first, whole and in order; later ones all come."""
    burst, later = _frames(size + more, rng), _frames(5, rng)

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        nic.set_rings(size, 64)
        for each in burst:
            nic.arrive(Arrival(each))
        nic.rest()
        came = [each.data for each in nic.came()]
        wanted = iter(burst)
        if not all(each in wanted for each in came):
            yield Difference("what came of a burst", "frames of it, each once and in order", f"{len(came)} others")
        if len(came) < size - 1:
            yield Difference("what came of a burst", f"{size - 1} frames or more", f"{len(came)}")
        yield from _came(later, nic.receive([Arrival(each) for each in later]))

    return script


def _one_by_one(size: int, count: int, rng: Random) -> Script:
    frames = _frames(count, rng)

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        nic.set_rings(size, 64)
        for each in frames:
            yield from _came([each], nic.receive([Arrival(each)]))

    return script
