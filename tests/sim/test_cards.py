"""The reset that a served card is given: by CTRL.RST, until it is done; one that never is, is a finding."""

from __future__ import annotations

from typing import Any

import pytest

from ringbed.hw.formats.em import REGISTERS
from ringbed.sim.cards import RESET_LOOKS, RESET_STEP, reset_em
from ringbed.sim.seam.engine import Event

CTRL = REGISTERS["CTRL"]


class Stubborn:
    """A card whose reset takes `clocks`."""

    def __init__(self, clocks: int) -> None:
        self.now, self._clocks, self._done = 0, clocks, -1
        self.found: list[str] = []

    def write(self, offset: int, value: int) -> None:
        assert (offset, value) == (CTRL.offset, CTRL["RST"].mask)
        self._done = self.now + self._clocks

    def run(self, until: int, stop: Event) -> Event:
        self.now = until
        return Event.TIME

    def peek(self, offset: int) -> int:
        assert offset == CTRL.offset
        return CTRL["RST"].mask if self.now < self._done else 0

    def report(self, rule: str, text: str) -> None:
        self.found.append(f"{rule}: {text}")


@pytest.mark.parametrize(("clocks", "taken", "found"), [
    (1, RESET_STEP, []),
    (RESET_STEP + 1, 2 * RESET_STEP, []),
    (RESET_LOOKS * RESET_STEP + 1, RESET_LOOKS * RESET_STEP, ["reset.hangs: CTRL.RST is 1 after 200000 clocks"]),
])  # fmt: skip
def test_a_reset_is_waited_for(clocks: int, taken: int, found: list[str]) -> None:
    engine: Any = Stubborn(clocks)
    reset_em(engine)
    assert (engine.now, engine.found) == (taken, found)
