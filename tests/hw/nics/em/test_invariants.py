"""What `em` asserts of itself, broken on purpose: constants worked out by hand are checked, and not by chance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from amaranth.hdl import Fragment
from amaranth.hdl._ast import SignalSet

from ringbed.hw.bus.card_reset import SETTLE
from ringbed.hw.nics.em import card as em_card
from ringbed.hw.nics.em.card import Em
from ringbed.hw.nics.em.rx_front import EmRxFront
from ringbed.hw.stream.fifo import Fifo
from ringbed.hw.stream.taps import Taps
from tests.hw.nics.em.bench import Card, R, frame
from tests.hw.stream_bench import simulate, split


def queues(fragment: Any) -> Iterator[tuple[Fifo, Any]]:
    """Every Fifo inside, with its fragment."""
    for origin in fragment.origins or ():
        while hasattr(origin, "_elaboratable_"):  # a ResetInserter
            origin = origin._elaboratable_
        if isinstance(origin, Fifo):
            yield origin, fragment
            return
    for child, _, _ in fragment.subfragments:
        yield from queues(child)


def looked_at(fragment: Any, apart: set[int]) -> SignalSet:
    """The signals that something outside of the fragments `apart` depends on."""
    found = SignalSet()
    if id(fragment) in apart:
        return found
    for statements in fragment.statements.values():
        for statement in statements:
            found.update(statement._rhs_signals())
    for child, _, _ in fragment.subfragments:
        found.update(looked_at(child, apart))
    return found


@pytest.mark.parametrize("width", [64, 512])
def test_who_does_not_look_whether_a_queue_has_room_or_an_item_says_why(width: int) -> None:
    """So that no entry is ever lost, or read twice, without a word. Offered and taken blindly, it is asserted."""
    top = Fragment.get(Em(width=width), None)
    found = list(queues(top))
    looked = looked_at(top, {id(fragment) for _, fragment in found})
    assert len(found) > 12
    for queue, _ in found:
        assert queue.has_room or queue.i.ready in looked, f"nobody looks for room in the queue of {queue.depth}"
        assert queue.has_item or queue.o.valid in looked, f"nobody looks for an item in the queue of {queue.depth}"


def reset_after(width: int, sums: bool, clocks: int) -> tuple[int, int]:
    """The front clears its queues so many clocks after the last byte of a frame that it keeps.

    Gives how many clocks after that byte the frame is in the packet buffer, and how many until it is in the queue.
    """
    dut, lanes, seen = EmRxFront(width, Taps(None), sums), width // 8, dict[str, int]()

    async def run(ctx: Any) -> None:
        ctx.set(dut.rctl, R["RCTL"].mask("EN", "UPE", "MPE", "BAM"))
        ctx.set(dut.link, 1)
        ctx.set(dut.size, 8192 // lanes)
        for piece, _, last in split(frame(200), lanes):
            ctx.set(dut.wire.tdata, int.from_bytes(piece, "little"))
            ctx.set(dut.wire.tkeep, (1 << len(piece)) - 1)
            ctx.set(dut.wire.tlast, last)
            ctx.set(dut.wire.tvalid, 1)
            await ctx.tick()
        ctx.set(dut.wire.tvalid, 0)
        for clock in range(clocks):
            for port in ("kept", "frames"):
                value = dut.kept if port == "kept" else dut.frames.valid
                if ctx.get(value):
                    seen.setdefault(port, clock)
            await ctx.tick()
        ctx.set(dut.clear, 1)
        await ctx.tick()

    simulate(dut, run)
    return seen["kept"], seen["frames"]


@pytest.mark.parametrize(("width", "sums"), [(64, True), (128, True), (256, False), (512, True)])
def test_a_reset_in_less_than_settle_finds_a_frame_on_its_way(width: int, sums: bool) -> None:
    """Between buffer and queue. SETTLE is longer than until then, by no little: the wire may bring one a clock."""
    kept, queued = reset_after(width, sums, SETTLE)
    assert kept < queued < SETTLE // 2
    with pytest.raises(AssertionError, match="a reset finds all kept frames queued after SETTLE"):
        reset_after(width, sums, kept + 2)


@pytest.mark.parametrize(
    ("skip", "words"),
    [(True, "em: no frame is in flight after QUIET clocks"), (False, "em: (no frame|nothing moves) .*after QUIET")],
)
def test_idle_that_comes_too_early_is_noticed(skip: bool, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a frame between wire and ring there is a clock or two without a sign of life, be they skipped or not."""
    monkeypatch.setattr(em_card, "QUIET", 1)
    card = Card("pysim", skip_idle=skip)

    def receive() -> None:
        card.arrive(frame(64))
        card.settle()
        card.get("STATUS")

    try:
        card.post()
        card.run(300)  # the descriptors have come
        with pytest.raises(AssertionError, match=words):
            receive()
    finally:
        card.engine.close()
