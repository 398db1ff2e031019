"""Rings of every size, full and wrapped, both ways; and a host whose processor takes time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ringbed.conformance.drivers.bench import MS, Bench
from ringbed.conformance.drivers.found import Case, NotApplicable
from ringbed.conformance.drivers.packets import numbered
from ringbed.sim.processor.model import Processor
from ringbed.sim.testbed.offer import plain

__all__ = ["CASES", "size_of"]

SIZES = (8, 16, 24, 64, 120, 256, 1024, 4096)  # those of em's: multiples of eight up to the limit
WHOLE = 120  # a ring that is larger is gone round once: frames take time
GIGABIT = 1_000_000_000  # bit/s: a frame takes longer than to be put on the ring
EXTRA, MORE = 40, 5
BEYOND = 100  # frames of 1000 bytes: more than the ring and the card's own buffer hold


def size_of(bench: Bench, way: str) -> int:
    """Descriptors of the ring that way, as the driver tells."""
    return max(int(state.size) for state in bench.driver.queues() if state.name.startswith(way))


def _sizes(bench: Bench) -> Iterator[int]:
    """The driver at each size that it takes, up; of one that takes no other, at its own."""
    bench.open(up=False)
    try:
        limit = bench.ethtool.ring_limits()
    except NotApplicable:
        limit = None
    sizes = [size for size in SIZES if limit is not None and size <= min(limit.rx, limit.tx)]
    took = False
    for size in sizes:
        bench.open(up=False)
        try:
            bench.set("rings", rx=size, tx=size)
        except NotApplicable:
            continue
        took = True
        bench.up()
        told = bench.ethtool.rings()
        if (told.rx, told.tx) != (size, size):
            bench.find("set.ignored", f"rings of {size} were set, and {told} is told")
        yield size
    if not took:
        bench.open()
        yield min(size_of(bench, "tx"), size_of(bench, "rx"))


def _count(size: int) -> int:
    return 2 * size + EXTRA if size <= WHOLE else size + EXTRA


def transmit(bench: Bench) -> None:
    for size in _sizes(bench):
        frames = [numbered(at, 60 + at % 40, inward=False) for at in range(_count(size))]
        at, count = 0, size + MORE  # the first are more than fit
        while at < len(frames):
            part = frames[at : at + count]
            bench.send([plain(frame) for frame in part], part, batch=len(part))
            at, count = at + len(part), bench.rng.randint(1, min(size, 64))
        bench.judge()


def receive(bench: Bench) -> None:
    for size in _sizes(bench):
        frames = [numbered(at, 60 + at % 40, inward=True) for at in range(_count(size))]
        bench.deliver(frames, burst=min(max(1, size // 4), 32))
        bench.judge()


def full(bench: Bench) -> None:
    """On a wire with a speed more than fits is offered at once, again and again."""
    bench.open(link_bps=GIGABIT)
    size = size_of(bench, "tx")
    frames = [numbered(at, 60 + at % 9, inward=False) for at in range(2 * size + EXTRA)]
    bench.send([plain(frame) for frame in frames], frames, batch=len(frames))
    bench.settle(20)
    if bench.upper.restarts == 0:
        bench.find("tx.restart", f"all of {len(frames)} frames were taken at once, by a ring of {size}")
    bench.judge()


def overrun(bench: Bench) -> None:
    """More comes in than ring and card hold while the host does not look; then it does, and it goes on."""
    bench.open()
    engine, size = bench.host.engine, size_of(bench, "rx")
    engine.hold_irq(engine.now + bench.host.frequency.clocks(20 * MS))
    frames = [numbered(at, 1000, inward=True) for at in range(size + BEYOND)]
    bench.deliver(frames, to_come=(), burst=len(frames))
    bench.run(25 * MS)
    came = [bytes(frame.data) for frame in bench.upper.take()]
    if came != (there := [frame for frame in frames if frame in set(came)]):
        bench.find("frame.order", f"of {len(frames)} frames {len(came)} came, {len(there)} of them as they were sent")
    bench.goes_round()


def processor(bench: Bench) -> None:
    """Accesses and stores take time, in which the card goes on."""
    settings: dict[str, Any] = {"processor": Processor(access_ns=200, store_ns=10, interrupt_ns=2000)}
    bench.open(**settings)
    out = [numbered(at, 60 + at % 40, inward=False) for at in range(200)]
    back = [numbered(at, 60 + at % 40, inward=True) for at in range(200)]
    for at in range(0, 200, 10):
        bench.send([plain(frame) for frame in out[at : at + 10]], out[at : at + 10])
        bench.deliver(back[at : at + 10])
    bench.judge()


CASES = (
    Case("rings.transmit", "rings of every size that it takes are gone round twice, in batches of any size", transmit),
    Case("rings.receive", "the same of receive rings", receive),
    Case("rings.full", "offered more than fits, it takes what fits and says restart when there is room", full),
    Case(
        "rings.overrun",
        "more comes in than its ring holds while the host is busy: counted, and then it goes on",
        overrun,
    ),
    Case("rings.processor", "the same frames where accesses and stores of the host take time", processor, ("rules",)),
)
