"""Statistics against a naive reference: the manual's sentences one by one, over a dictionary of numbers."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbed.hw.formats.em.statistics import PAIRS, STATISTICS
from ringbed.hw.station.statistics import RxStat, Statistics, TxStat
from tests.hw.stream_bench import pack, simulate

WORD = {name: (offset - 0x4000) >> 2 for name, offset, _ in STATISTICS}
FLAGS = [name for name in RxStat.members if name != "length"]
TOP32, TOP64 = (1 << 32) - 1, (1 << 64) - 1


def bucket(prefix: str, length: int) -> Iterator[str]:
    for name, low, high in (("64", 64, 64), ("127", 65, 127), ("255", 128, 255), ("511", 256, 511),
                            ("1023", 512, 1023), ("1522", 1024, 1 << 15)):  # fmt: skip
        if low <= length <= high:
            yield prefix + name


def received(frame: dict[str, int]) -> Counter[str]:
    """What a received frame adds, in the order of M 13.7."""
    added, length, pause = Counter[str](), frame["length"], bool(frame["xon"] or frame["xoff"])
    if frame["passed"]:
        added["CRCERRS"] += frame["crc"] and not frame["runt"]
        added["RXERRC"] += frame["rxe"] and not frame["runt"]
        added["RLEC"] += bool(frame["runt"] or frame["giant"])
        for name, size, crc in (("RUC", "runt", 0), ("RFC", "runt", 1), ("ROC", "giant", 0), ("RJC", "giant", 1)):
            added[name] += bool(frame[size]) and frame["crc"] == crc
    if frame["passed"] or pause:
        added += Counter(TPR=1, TOR=length)
    added += Counter(MPC=frame["missed"], XONRXC=frame["xon"], XOFFRXC=frame["xoff"], FCRUC=frame["control"])
    bad = any(frame[name] for name in ("crc", "rxe", "runt", "giant", "missed"))
    if frame["passed"] and not bad and not pause:
        added += Counter(GPRC=1, GORC=length, BPRC=frame["broadcast"], MPRC=frame["multicast"])
        added += Counter(RNBC=frame["no_buffer"])
        added.update(bucket("PRC", length))
    return added


def sent(frame: dict[str, int]) -> Counter[str]:
    length, pause = frame["length"], bool(frame["xon"] or frame["xoff"])
    added = Counter(TPT=1, TOT=length, XONTXC=frame["xon"], XOFFTXC=frame["xoff"])
    added.update(bucket("PTC", length))
    if not pause:
        added += Counter(MPTC=frame["multicast"], BPTC=frame["broadcast"])
        if length >= 64:
            added += Counter(GPTC=1, GOTC=length)
    return added


class Model:
    """The registers: what each holds, and what a read of a pair's low word has kept of it."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.totals, self.kept = Counter[str](), dict[str, int]()

    def add(self, added: Counter[str]) -> None:
        for name, amount in added.items():
            self.totals[name] = min(self.totals[name] + amount, TOP64 if name in PAIRS else TOP32)

    def look(self, name: str) -> int:
        if name[:-1] not in PAIRS:
            return self.totals[name]
        pair = name[:-1]
        whole = self.totals[pair]
        return whole & TOP32 if name[-1] == "L" else self.kept.get(pair, whole) >> 32

    def read(self, name: str) -> int:
        value = self.look(name)
        pair = name[:-1]
        if pair not in PAIRS:
            self.totals[name] = 0
        elif name[-1] == "L":
            self.kept[pair] = self.totals[pair]
        else:
            self.totals[pair] -= self.kept.pop(pair, self.totals[pair])
        return value


class Bench:
    """Frames and reads by the clock. `step` is one clock: a frame each way or none, a read or none."""

    def __init__(self, ctx: Any, dut: Statistics) -> None:
        self.ctx, self.dut, self.model = ctx, dut, Model()
        self.due: list[Counter[str]] = [Counter(), Counter()]  # events on their way to the counters

    async def step(self, rx: dict[str, int] | None = None, tx: dict[str, int] | None = None, read: str = "",
                   tso: str = "", clear: bool = False) -> int:  # fmt: skip
        """Gives what a read returns; it comes before the events that reach their counters with this clock."""
        ctx, dut, added = self.ctx, self.dut, Counter[str]()
        for port, shape, frame, counts in (
            (dut.rx, RxStat, rx, received), (dut.tx, TxStat, tx, sent),
        ):  # fmt: skip
            ctx.set(port.valid, frame is not None)
            if frame is not None:
                ctx.set(port.payload.as_value(), pack(shape, frame))
                added += counts(frame)
        ctx.set(dut.tso_done, tso == "TSCTC")
        ctx.set(dut.tso_failed, tso == "TSCTFC")
        ctx.set(dut.at, WORD.get(read, 1))
        ctx.set(dut.read, bool(read))
        ctx.set(dut.clear, clear)
        value = int(ctx.get(dut.value))
        if read:
            assert value == self.model.read(read), read
        await ctx.tick()
        self.due.append(added)
        arrived = self.due.pop(1)
        if clear:
            self.model.clear()
        else:
            self.model.add(arrived + Counter({tso: 1} if tso else {}))
        return value

    async def check(self) -> None:
        """After all is counted: every register, by looking only."""
        for _ in range(2):
            await self.step()
        for name, word in WORD.items():
            self.ctx.set(self.dut.at, word)
            assert self.ctx.get(self.dut.value) == self.model.look(name), name


def bench(run: Callable[[Bench], Any], clocks: int = 20_000) -> None:
    dut = Statistics()

    async def go(ctx: Any) -> None:
        await run(Bench(ctx, dut))

    simulate(dut, go, clocks=clocks)


def random_rx(rng: random.Random) -> dict[str, int]:
    """Any flags at all; lengths around the edges, told apart as the card would."""
    length = rng.choice((18, 63, 64, 65, 127, 128, 255, 256, 511, 512, 1023, 1024, 1522, 1523, 16384))
    flags = {name: int(rng.random() < (0.8 if name == "passed" else 0.15)) for name in FLAGS}
    sizes = {"runt": int(length < 64), "giant": int(length > 1522 and rng.random() < 0.5)}
    return {"length": length} | flags | sizes


def random_tx(rng: random.Random) -> dict[str, int]:
    length = rng.choice((20, 63, 64, 65, 127, 128, 255, 256, 511, 512, 1023, 1024, 1522, 16288))
    return {"length": length} | {name: int(rng.random() < 0.2) for name in TxStat.members if name != "length"}


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_any_frames_both_ways(share: float) -> None:
    """At `share` 1 a frame ends each way in every clock; software reads all the while, and nothing is lost."""
    rng, names = random.Random(1), list(WORD)

    async def run(it: Bench) -> None:
        for _ in range(1500):
            await it.step(
                random_rx(rng) if rng.random() < share else None, random_tx(rng) if rng.random() < share else None,
                rng.choice(names) if rng.random() < 0.4 else "", rng.choice(("", "", "TSCTC", "TSCTFC")),
                rng.random() < 0.003,
            )  # fmt: skip
        await it.check()

    bench(run)


GOOD = {"length": 100, **dict.fromkeys(FLAGS, 0), "passed": 1}


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(("", "GORCL", "GORCH", "TPR"))), max_size=40))
@settings(max_examples=40, deadline=None)
def test_what_is_read_and_what_is_left_is_all_that_came(steps: list[tuple[bool, str]]) -> None:
    """Sum over the reads, and over one last read: 100 octets a frame, whenever software reads which word."""
    taken = {"TPR": 0, "GORC": 0}
    count = sum(frame for frame, _ in steps)

    async def run(it: Bench) -> None:
        low = 0
        for frame, read in (*steps, *[(False, "")] * 2, (False, "TPR"), (False, "GORCH"), (False, "")):
            opened = it.model.kept.get("GORC")
            held = it.model.totals["GORC"]
            value = await it.step(GOOD if frame else None, read=read)
            if read == "TPR":
                taken["TPR"] += value
            elif read == "GORCL":
                low = value
            elif read == "GORCH":
                taken["GORC"] += (value << 32) + (low if opened is not None else held & TOP32)
        left = it.model.totals["GORC"]
        assert taken["TPR"] == count
        assert taken["GORC"] + left == 100 * count

    bench(run)


def stat(shape: Any, length: int, *flags: str) -> dict[str, int]:
    return {"length": length, **{name: int(name in flags) for name in shape.members if name != "length"}}


# Frames each way that together count in every counter, all lengths of the six counters in both.
RECEIVED = [
    *(stat(RxStat, length, "passed", *flags) for length, *flags in (
        (64, "multicast"), (100, "broadcast"), (200, "no_buffer"), (300,), (600,), (1522,), (100, "crc"), (100, "rxe"),
        (60, "runt"), (60, "runt", "crc"), (2000, "giant"), (2000, "giant", "crc"), (100, "missed"),
    )), stat(RxStat, 64, "xon"), stat(RxStat, 64, "xoff"), stat(RxStat, 64, "control"),
]  # fmt: skip
SENT = [
    *(stat(TxStat, length, *flags) for length, *flags in (
        (64, "multicast"), (100, "broadcast"), (200,), (300,), (600,), (1522,), (64, "xon"), (64, "xoff"),
    )),
]  # fmt: skip


async def set_all(ctx: Any, it: Bench, short: int, pair: int) -> None:
    """Every counter to `short`, every pair to `pair`: what was counted before does not matter."""
    for name, total in it.dut.totals.items():
        it.model.totals[name] = pair if name in PAIRS else short
        ctx.set(total, it.model.totals[name])


async def all_frames(it: Bench) -> None:
    for number in range(max(len(RECEIVED), len(SENT))):
        rx, tx = (frames[number] if number < len(frames) else None for frames in (RECEIVED, SENT))
        await it.step(rx, tx, tso=("TSCTC", "TSCTFC")[number % 2])


def test_every_counter_sticks_at_all_ones() -> None:
    """32 bits and 64 bits, from one and from a byte below; then a read of each makes it count again."""
    dut = Statistics()

    async def run(ctx: Any) -> None:
        it = Bench(ctx, dut)
        await all_frames(it)
        await it.check()
        assert dut.totals.keys() == (+it.model.totals).keys(), "each counts something"
        await set_all(ctx, it, TOP32 - 1, TOP64 - 1)
        for _ in range(2):
            await all_frames(it)
        await it.check()
        assert all(value in (TOP32, TOP64) for value in it.model.totals.values())
        for name in WORD:
            await it.step(read=name)
        assert not +it.model.totals
        await all_frames(it)
        await it.check()

    simulate(dut, run, clocks=1000)


@pytest.mark.parametrize("below", [99, 100, 101])
def test_bytes_up_to_the_last_and_past_32_bits(below: int) -> None:
    """A frame of 100 bytes with 99, 100 and 101 to go: past the end, just there, and one short of it."""
    dut = Statistics()

    async def run(ctx: Any) -> None:
        for edge in (TOP64, TOP32):
            it = Bench(ctx, dut)
            await set_all(ctx, it, 0, edge - below)
            await it.step(GOOD, stat(TxStat, 100))
            await it.check()
            wanted = min(edge - below + 100, TOP64)
            assert [it.model.totals[name] for name in PAIRS] == [wanted] * len(PAIRS)
            for name in PAIRS:
                assert await it.step(read=name + "L") == wanted & TOP32
                assert await it.step(read=name + "H") == wanted >> 32
            await it.check()
            await it.step(clear=True)

    simulate(dut, run, clocks=1000)
