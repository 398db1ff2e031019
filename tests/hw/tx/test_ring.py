"""RingTx against the manual's rules read one descriptor after another, no clocks: pieces, bursts, entries, refusals."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

from ringbed.hw.bus.burst import BurstSplit, Plan
from ringbed.hw.formats import em
from ringbed.hw.stream.fifo import Fifo
from ringbed.hw.tx.pack import Pack
from ringbed.hw.tx.ring import REFUSALS, Piece, RingTx
from tests.hw.stream_bench import pauses, simulate, sink, source

Word = dict[str, int]


CHUNK = 8192  # a longer descriptor is read in several
SEGMENT_LIMIT = 3000


@dataclass
class Result:
    """What a list of descriptors comes to."""

    chunks: list[tuple[int, int]] = field(default_factory=list)  # address, length
    pieces: list[tuple[bool, bool, bool, Word | None, Word | None]] = field(default_factory=list)
    entries: list[tuple[bool, bool, bool, int]] = field(default_factory=list)  # written, late, end, bursts so far
    ends: list[str | None] = field(default_factory=list)  # of each frame: taken, to be segmented, or why not


def kind(word: int) -> str:
    if not em.TX_LEGACY["DEXT"].get(word):
        return "legacy"
    return {0: "context", 1: "data"}.get(em.TX_CONTEXT["DTYP"].get(word), "unknown")


def bursts(address: int, length: int) -> int:
    return len({at // 512 for at in range(address, address + length)})


def begin_of(word: int, context: int | None, tso: bool) -> Word:
    """Order and, in a message to be segmented, request."""
    known = em.TX_CONTEXT.unpack(context or 0)
    extended = kind(word) != "legacy"
    order = {
        "ip_start": known["IPCSS"], "ip_end": known["IPCSE"],
        "l4_start": known["TUCSS"] if extended else em.TX_LEGACY["CSS"].get(word),
        "l4_end": known["TUCSE"] if extended else 0,
        "udp": int(extended and not known["TCP"]), "context": int(context is not None),
    }  # fmt: skip
    if not tso:
        return order | {"segment": 0}
    tcp, ipv4, txsm = known["TCP"], known["IP"], em.TX_DATA["TXSM"].get(word)
    return order | {
        "segment": 1, "mss": known["MSS"], "payload": known["PAYLEN"], "header": known["HDRLEN"],
        "l3": 1 if ipv4 else 2 if tcp else 0, "l3_start": known["IPCSS"],
        "l4": 1 if tcp else 2 if ipv4 else 0, "l4_start": known["TUCSS"],
        "sum": int(txsm and (tcp or ipv4)), "sum_at": known["TUCSO"],
    }  # fmt: skip


def finish_of(first: int, last: int, context: int | None, abort: bool, tso: bool) -> Word:
    """IXSM and TXSM count in a frame's first data descriptor, all else in its last, or in a message's first."""
    known, data, legacy = em.TX_CONTEXT.unpack(context or 0), em.TX_DATA.unpack(first), em.TX_LEGACY.unpack(last)
    extended = kind(last) != "legacy"
    tail = em.TX_LEGACY.unpack(first if tso else last)
    return {
        "ip": int(extended and data["IXSM"]), "ip_at": known["IPCSO"],
        "l4": data["TXSM"] if extended else legacy["IC"], "l4_at": known["TUCSO"] if extended else legacy["CSO"],
        "fcs": tail["IFCS"] | tail["VLE"], "tag": tail["VLE"], "tci": tail["special"], "abort": int(abort),
    }  # fmt: skip


def impossible(context: int | None) -> bool:
    known = em.TX_CONTEXT.unpack(context or 0)
    sizes = known["MSS"], known["PAYLEN"], known["HDRLEN"]
    return context is None or 0 in sizes or known["HDRLEN"] > 240 or known["MSS"] + known["HDRLEN"] > SEGMENT_LIMIT


def reference(words: list[int], limit: int) -> Result:
    """A frame is refused from the descriptor on that breaks a rule; counted under the first of REFUSALS it broke."""
    out, frame, broken, total, asked = Result(), list[int](), set[str](), 0, 0
    contexts: list[int | None] = [None, None]
    for word in words:
        place = kind(word)
        address, length = em.TX_DATA["address"].get(word), em.TX_LEGACY["length"].get(word)
        if place != "legacy":
            length = em.TX_DATA["DTALEN"].get(word)
        written, late = bool(em.TX_LEGACY["RS"].get(word)), bool(em.TX_LEGACY["IDE"].get(word))
        if place == "context":
            if frame:
                broken.add("mix")
            else:
                contexts[em.TX_CONTEXT["TSE"].get(word)] = word
            out.entries.append((written, late, not frame, asked))
            continue
        frame.append(word)
        total += length if address else 0
        last, legacy_first = bool(em.TX_LEGACY["EOP"].get(word)), kind(frame[0]) == "legacy"
        tso = not legacy_first and bool(em.TX_DATA["TSE"].get(frame[0]))
        context = contexts[tso]
        header = em.TX_CONTEXT["HDRLEN"].get(context or 0)
        mixed = place == "unknown" or (place == "legacy") != legacy_first
        for cause, breaks in (
            ("null", last and total == 0), ("long", total > limit and not tso),
            ("tse", tso and (impossible(context) or (last and 0 < total <= header))), ("mix", mixed),
        ):  # fmt: skip
            if breaks:
                broken.add(cause)
        some = bool(address and length and not broken)
        starts = range(0, length, CHUNK) if some else range(1)
        for at in starts:
            here = min(length - at, CHUNK)
            first, ends = len(frame) == 1 and at == 0, last and at == starts[-1]
            if some:
                out.chunks.append((address + at, here))
                asked += bursts(address + at, here)
            finish = finish_of(frame[0], word, context, bool(broken), tso) if ends and not mixed else None
            out.pieces.append((first, ends, some, begin_of(word, context, tso) if first else None, finish))
        out.entries.append((written, late, last, asked))
        if last:
            found = next((each for each in REFUSALS if each in broken), None)
            out.ends.append("segmented" if tso and not found else found)
            frame, broken, total = [], set(), 0
    return out


def rtl(words: list[int], limit: int, seed: int, share: float = 0.3) -> Result:
    """Every stream with pauses of its own."""
    dut, expected, out = RingTx(), reference(words, limit), Result()
    chunks: list[Any] = []
    pieces: list[Any] = []
    entries: list[Any] = []
    holds = [pauses(seed + number, share) for number in range(4)]

    async def watch(ctx: Any) -> None:
        """Each end is told in the clock its last descriptor goes."""
        seen = 0
        ctx.set(dut.limit, limit)
        ctx.set(dut.segment_limit, SEGMENT_LIMIT)
        ctx.set(dut.vme, 1)
        while seen < len(words):
            _, _, fire, taken, refused, segmented = await ctx.tick().sample(
                dut.descriptor.valid & dut.descriptor.ready, dut.taken, dut.refused, dut.segmented
            )
            seen += fire
            if taken:
                assert fire
                assert refused in (0, 1, 2, 4, 8)
                assert not (refused and segmented)
                cause = REFUSALS[refused.bit_length() - 1] if refused else None
                out.ends.append("segmented" if segmented else cause)
            else:
                assert not refused
                assert not segmented

    simulate(
        dut, watch, source(dut.descriptor, words, holds[0]), sink(dut.chunk, len(expected.chunks), chunks, holds[1]),
        sink(dut.piece, len(expected.pieces), pieces, holds[2]),
        sink(dut.entry, len(expected.entries), entries, holds[3]), clocks=40 * len(words) + 2000,
    )  # fmt: skip
    out.chunks = [(chunk.address, chunk.length) for chunk in chunks]
    for piece, (*_, finish) in zip(pieces, expected.pieces, strict=True):
        begin, ended = None, fields(piece.begin.finish) if piece.last and finish is not None else None
        if piece.first:
            request = piece.begin.request
            begin = fields(piece.begin.order) | (fields(request) if request.segment else {"segment": 0})
        assert piece.begin.finish.abort or not piece.last or finish is not None
        out.pieces.append((bool(piece.first), bool(piece.last), bool(piece.some), begin, ended))
    sequence = 0
    for entry in entries:
        sequence += (entry.sequence - sequence) % 256
        out.entries.append((bool(entry.write), bool(entry.late), bool(entry.eop), sequence))
        assert entry.upper == em.TX_LEGACY["DD"].mask >> 64
    return out


def fields(value: Any) -> Word:
    return {name: int(getattr(value[name], "value", value[name])) for name, _ in value.shape()}


def legacy(length: int, *, address: int = 0x1003, **more: int) -> int:
    return em.TX_LEGACY.pack(address=address, length=length, **more)


def data(length: int, *, address: int = 0x1003, **more: int) -> int:
    return em.TX_DATA.pack(address=address, DTALEN=length, DTYP=1, DEXT=1, **more)


def context(**more: int) -> int:
    return em.TX_CONTEXT.pack(DEXT=1, **more)


def some_context(rng: random.Random, tse: int) -> int:
    ranges = {name: rng.getrandbits(8) for name in ("IPCSS", "IPCSO", "TUCSS", "TUCSO")}
    ends = {name: rng.choice((0, rng.getrandbits(16))) for name in ("IPCSE", "TUCSE")}
    bits = {name: rng.getrandbits(1) for name in ("TCP", "IP", "RS", "IDE")}
    sizes = {"PAYLEN": rng.getrandbits(20), "MSS": rng.randint(1, 2700), "HDRLEN": rng.randint(1, 240)}
    if rng.random() < 0.3:
        sizes |= rng.choice(({"PAYLEN": 0}, {"MSS": 0}, {"HDRLEN": 0}, {"HDRLEN": 241}, {"MSS": 3000}))
    return context(**ranges, **ends, **bits, **sizes, TSE=tse)


def some_frame(rng: random.Random, make: Any, spoilt: str | None) -> list[int]:
    """One to five descriptors; null and empty ones at any place; spoilt in one way."""
    count = rng.randint(2 if spoilt in ("mix", "context") else 1, 5)
    full = rng.randrange(count)
    made = []
    for place in range(count):
        length = rng.randint(1, 700) if place == full else rng.choice((0, rng.randint(1, 1100)))
        address = rng.getrandbits(40) | 1 if place == full else rng.choice((0, rng.getrandbits(64)))
        if spoilt == "null":
            address, length = rng.choice([(0, 50), (0x77, 0), (0, 0)])
        bits = {name: rng.getrandbits(1) for name in ("RS", "IFCS", "RPS", "VLE", "IDE")}
        bits["special"] = rng.getrandbits(16)
        if make is data:
            bits |= {"IXSM": rng.getrandbits(1), "TXSM": rng.getrandbits(1)}
        else:
            bits |= {"IC": rng.getrandbits(1), "CSO": rng.getrandbits(8), "CSS": rng.getrandbits(8)}
        made.append(make(length, address=address, EOP=int(place == count - 1), **bits))
    at = rng.randrange(count)
    if spoilt == "long":
        layout = em.TX_DATA["DTALEN"] if make is data else em.TX_LEGACY["length"]
        made[at] = made[at] & ~layout.mask | layout.put(rng.randint(6000, 65535)) | em.TX_DATA["address"].put(8)
    if spoilt == "tse":
        made = [word | em.TX_DATA["TSE"].mask for word in made]
    if spoilt == "unknown":
        made[at] |= em.TX_DATA["DTYP"].put(rng.choice((2, 4, 9)))
    if spoilt == "mix":
        at = rng.randrange(1, count)
        made[at] = (legacy if make is data else data)(9, EOP=int(at == count - 1))
    if spoilt == "context":
        made.insert(rng.randrange(1, count), some_context(rng, 0))
    return made


def mixed(seed: int, frames: int) -> Iterator[int]:
    """Good and spoilt frames of both kinds, a context descriptor before some."""
    rng = random.Random(seed)
    for _ in range(frames):
        make = rng.choice((legacy, data))
        while rng.random() < 0.4:
            yield some_context(rng, int(rng.random() < 0.5))
        spoils = [None, None, None, "null", "long", "mix", "context"]
        spoils += ["tse", "tse", "unknown"] if make is data else []
        yield from some_frame(rng, make, rng.choice(spoils))


@pytest.mark.parametrize("seed", range(4))
def test_frames_of_all_kinds(seed: int) -> None:
    words = list(mixed(seed, 90))
    expected = reference(words, 5000)
    assert rtl(words, 5000, seed, share=(0.0, 0.2, 0.4, 0.6)[seed]) == expected
    assert set(Counter(expected.ends)) == {None, "segmented", *REFUSALS}


def test_limit_is_the_last_length_that_goes() -> None:
    words = [legacy(2000), legacy(2000, EOP=1), legacy(2000), legacy(2001, EOP=1), legacy(4001, EOP=1)]
    words += [data(4001), data(1, EOP=1), data(0xFFFFF, EOP=1), data(4000, EOP=1), data(4000), data(0, EOP=1)]
    words += [data(0x8000), data(0x8000), data(0x8000 - 4000), data(3, EOP=1)]
    got = rtl(words, 4000, seed=1)
    assert got == reference(words, 4000)
    assert got.ends == [None, "long", "long", "long", "long", None, None, "long"]


def test_a_frame_is_counted_under_its_first_cause_however_it_is_cut() -> None:
    words = [data(50, TSE=1), data(3000), data(3000, EOP=1)]  # no context, and longer than a frame may be
    words += [data(0, TSE=1), data(0), data(0, EOP=1)]  # null and tse
    words += [data(50, TSE=1), legacy(50, EOP=1)]  # tse and mix
    words += [data(6000), legacy(0, EOP=1)]  # long and mix
    words += [legacy(0), context(), legacy(0, EOP=1)]  # null and mix
    got = rtl(words, 5000, seed=2)
    assert got.ends == ["tse", "null", "tse", "long", "null"]
    assert got == reference(words, 5000)


def test_null_and_empty_descriptors_at_every_place() -> None:
    """Each takes an entry and a piece, neither bytes nor bursts."""
    words = []
    for make in (legacy, data):
        for nothing in ({"address": 0, "length": 60}, {"address": 0x1003, "length": 0}):
            for place in range(4):
                parts = [{"address": 0x2000 + 510, "length": 33}] * 3
                parts.insert(place, nothing)
                words += [make(**part, EOP=int(number == 3)) for number, part in enumerate(parts)]
    got = rtl(words, 16288, seed=3)
    assert got == reference(words, 16288)
    assert got.ends == [None] * 16
    assert (len(got.chunks), len(got.pieces), got.entries[-1][3]) == (48, 64, 96)


def test_the_two_contexts_stay_until_the_next_of_their_kind() -> None:
    words = [data(60, EOP=1, TXSM=1), context(TUCSS=34, TUCSO=50, TCP=1), data(60, EOP=1), legacy(60, EOP=1)]
    words += [data(60, EOP=1, TXSM=1), context(TUCSS=1, TSE=1), data(60, EOP=1), context(TUCSS=40), data(60, EOP=1)]
    got = rtl(words, 16288, seed=4)
    assert got == reference(words, 16288)
    orders = [order for *_, order, _ in got.pieces if order is not None]
    assert [order["l4_start"] for order in orders] == [0, 34, 0, 34, 34, 40]
    assert [order["context"] for order in orders] == [0, 1, 1, 1, 1, 1]
    tse = {"TSE": 1, "MSS": 9, "PAYLEN": 100, "HDRLEN": 50}
    words = [context(TUCSS=7), context(TUCSS=9, **tse), data(150, EOP=1, TSE=1), data(60, EOP=1), context(TUCSS=8)]
    words += [data(150, TSE=1), data(9, EOP=1), data(60), data(60, EOP=1, TSE=1)]  # a frame's first says what it is
    got = rtl(words, 16288, seed=5)
    assert got == reference(words, 16288)
    assert got.ends == ["segmented", None, "segmented", None]
    assert [begin["l4_start"] for *_, begin, _ in got.pieces if begin is not None] == [9, 7, 9, 8]


def test_a_message_of_any_length_from_any_descriptors() -> None:
    """20 bits of DTALEN and of PAYLEN; a descriptor longer than 8 KB is read in several pieces, one entry for all."""
    tse = {"TSE": 1, "MSS": 1460, "PAYLEN": 0xFFFFF, "HDRLEN": 54}
    words = [context(**tse), data(0xFFFFF, TSE=1), data(54, EOP=1), data(8193, TSE=1, address=8191), data(8192, EOP=1)]
    words += [data(54, TSE=1, EOP=1), data(55, TSE=1, EOP=1), data(8192, EOP=1), *[data(0xFFFFF, TSE=1)] * 5]
    words += [data(1, EOP=1), legacy(0, EOP=1), legacy(0xFFFF), legacy(9000, EOP=1)]
    got, wanted = rtl(words, 16288, seed=6, share=0.0), reference(words, 16288)
    assert (got.chunks, got.pieces) == (wanted.chunks, wanted.pieces)
    assert [entry[3] % 256 for entry in got.entries] == [entry[3] % 256 for entry in wanted.entries]
    assert got.ends == wanted.ends
    assert got.ends == ["segmented", "segmented", "tse", "segmented", None, "segmented", "null", "long"]


# ---- with the blocks behind it: descriptors in, frames out ----


class Front(wiring.Component):
    """RingTx, BurstSplit and Pack, joined as in the card."""

    def __init__(self) -> None:
        self.decode, self.split, self.pack = RingTx(), BurstSplit(64), Pack(64)
        super().__init__({})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.decode, m.submodules.split, m.submodules.pack = self.decode, self.split, self.pack
        m.submodules.plan = plan = Fifo(Plan(), 32)
        m.submodules.pieces = pieces = Fifo(Piece(), 32)
        for source_port, sink_port in (
            (self.decode.chunk, self.split.i), (self.decode.piece, pieces.i), (pieces.o, self.pack.piece),
            (self.split.plan, plan.i), (plan.o, self.pack.plan),
        ):  # fmt: skip
            wiring.connect(m, source_port, sink_port)
        m.d.comb += [self.decode.segment_limit.eq(SEGMENT_LIMIT), self.decode.vme.eq(1)]
        m.d.comb += [self.decode.entry.ready.eq(1), self.decode.limit.eq(5000), self.pack.o.ready.eq(1)]
        return m


def byte_at(address: int) -> int:
    return (address * 167 ^ address >> 9) & 0xFF


def frames_of_ring(words: list[int]) -> list[bytes]:
    """The bytes of each frame that is not refused."""
    out, chunks = reference(words, 5000), iter(reference(words, 5000).chunks)
    frames, joined, ends = [], b"", iter(out.ends)
    for _, last, some, _, _ in out.pieces:
        if some:
            address, length = next(chunks)
            joined += bytes(byte_at(address + at) for at in range(length))
        if last:
            if next(ends) in (None, "segmented"):
                frames.append(joined)
            joined = b""
    return frames


@pytest.mark.parametrize("share", [0.0, 0.4])
def test_descriptors_become_frames_and_refused_ones_leave_the_next_alone(share: float) -> None:
    words, dut = list(mixed(21, 35)), Front()
    wanted = frames_of_ring(words)
    beats: deque[dict[str, int]] = deque()
    got: list[bytes] = []

    async def memory(ctx: Any) -> None:
        """Read data in the order of the requests, with pauses; takes what Pack makes of it."""
        late, frame = pauses(1, share), b""
        while len(got) < len(wanted):
            there = bool(beats) and not next(late)
            ctx.set(dut.pack.i.valid, there)
            if there:
                ctx.set(dut.pack.i.payload, beats[0])
            ctx.set(dut.split.request.ready, not next(late))
            _, _, asked, ready, request, taken, made, beat, finish = await ctx.tick().sample(
                dut.split.request.valid, dut.split.request.ready, dut.split.request.payload,
                dut.pack.i.valid & dut.pack.i.ready, dut.pack.o.valid, dut.pack.o.payload, dut.pack.finish,
            )  # fmt: skip
            if taken:
                beats.popleft()
            for number in range(request.len + 1 if asked and ready else 0):
                line = bytes(byte_at(request.address + 8 * number + lane) for lane in range(8))
                beats.append({"data": int.from_bytes(line, "little"), "last": number == request.len, "error": 0})
            if made:
                frame += beat.data.to_bytes(8, "little")[: beat.count]
                if beat.last:
                    got.extend([frame] * (not finish.abort))
                    frame = b""

    simulate(dut, source(dut.decode.descriptor, words, pauses(2, share)), memory, clocks=60000)
    assert got == wanted
