"""Sentences that all engines share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.seam.engine import Finding
from ringbed.sim.seam.portmap import Registers
from ringbed.sim.seam.words import Words, no_answer, no_register, seen


@given(st.integers(0, (1 << 32) - 1).map(lambda at: at & ~3), st.booleans(), st.booleans())
def test_what_was_under_way_comes_back(offset: int, write: bool, taken: bool) -> None:
    told = no_answer(Words(), 0x1_0000, 7, seen(offset, write, taken))
    assert told.startswith("a read of register 0x10000 has no answer after 7 clocks: ")
    assert (f"the write of {offset:#x} before it" in told) == write
    assert ("never taken" in told) == (not taken)
    assert ("BVALID never came" in told) == (write and taken)
    assert ("RVALID never came" in told) == (not write and taken)


def test_registers_that_are_there_are_named() -> None:
    assert no_register("nic", Registers("s_", 6), 0x41).endswith(
        "no 32-bit register at 0x41: its port map has 0x0 to 0x3c, every 4 bytes"
    )
    assert no_register("nic", None, 0) == "nic has no 32-bit register at 0x0: its port map has no registers"


def test_a_finding_is_a_sentence() -> None:
    found = Finding(12, "axi.hold", "AWVALID fell before AWREADY")
    assert str(found) == "clock 12: axi.hold: AWVALID fell before AWREADY"
    assert Words().findings([found, found]) == [found, found]
