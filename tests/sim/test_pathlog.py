"""Frames are found again by what a card does not change in them."""

from __future__ import annotations

from ringbed.sim.pathlog import KEPT, PathLog
from tests.drivers.bench import frame


class End:
    def __init__(self) -> None:
        self.into: list[tuple[bytes, int, bool]] = []
        self.out: list[tuple[int, bytes]] = []

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self.into.append((frame, at, error))

    def wire_out(self) -> list[tuple[int, bytes]]:
        left, self.out = self.out, []
        return left


def test_it_passes_everything_on_and_remembers_when() -> None:
    end = End()
    log = PathLog(end, lambda clocks: 8 * clocks)
    data = frame(70, 1)
    log.wire_in(data, 5, True)
    end.out = [(9, frame(70, 2)), (11, frame(70, 2))]
    assert log.wire_out() == [(9, frame(70, 2)), (11, frame(70, 2))]
    assert end.into == [(data, 5, True)]
    assert (log.arrived(data), log.left(frame(70, 2))) == (40, 72)
    assert (log.left(data), log.arrived(frame(70, 2))) == (None, None)


def test_sums_do_not_matter() -> None:
    end = End()
    log = PathLog(end, lambda clocks: clocks)
    sent = bytearray(frame(70, 3))
    end.out = [(4, bytes(sent))]
    log.wire_out()
    for at in (24, 25, 36, 40, 50):
        sent[at] ^= 0xFF
    assert log.left(bytes(sent)) == 4
    sent[30] ^= 0xFF  # an address
    assert log.left(bytes(sent)) is None


def test_memory_is_bounded() -> None:
    log = PathLog(End(), lambda clocks: clocks)
    for seed in range(KEPT + 1):
        log.wire_in(frame(60, seed), seed)
    assert log.arrived(frame(60, 0)) is None
    assert log.arrived(frame(60, 1)) == 1
