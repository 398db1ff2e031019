"""A driver's world has an end: calls and waits are counted, and a driver that catches everything is told again."""

from __future__ import annotations

from typing import Any

import pytest

from ringbed.conformance.drivers.guard import Budget, DeadDevice, Guarded, Hung, late


class World:
    name = "world"

    def __init__(self) -> None:
        self.waited = 0

    def read(self, bar: int, offset: int) -> int:
        return bar + offset

    def delay(self, nanoseconds: int) -> None:
        self.waited += nanoseconds


def test_calls_are_counted() -> None:
    world = Guarded(World(), Budget(calls=3))
    assert [world.read(1, at) for at in range(3)] == [1, 2, 3]
    assert world.name == "world"
    for _ in range(2):
        with pytest.raises(Hung, match="calls and was still at it"):
            world.read(1, 0)


def test_waits_are_counted() -> None:
    inner = World()
    world = Guarded(inner, Budget(time_ns=1000))
    world.delay(1000)
    with pytest.raises(Hung, match="waited for"):
        world.delay(1)
    assert inner.waited == 1000


def test_a_timer_says_how_long() -> None:
    with pytest.raises(Hung, match=r"it took 2\.5 s of processor time"):
        late(2.5)(14, None)


def test_it_is_no_exception() -> None:
    """Which drivers catch in loops."""
    assert not issubclass(Hung, Exception)


def test_a_dead_card_reads_as_ones_and_takes_time() -> None:
    world: Any = World()
    world.pci = "ids"
    card = DeadDevice(world)
    card.write(0, 0, 1)
    assert (card.read(0, 0), card.peek(0, 4), card.interrupted(5), card.pci) == (0xFFFF_FFFF, 0xFFFF_FFFF, False, "ids")
    assert world.waited > 0
