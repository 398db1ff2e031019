"""What a block of ours asserts is found on every engine, in its own words; and costs nothing where it is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Format, Module

from ringbed.sim.engines import AnyEngine, open_engine
from ringbed.sim.native.assertions import with_words
from ringbed.sim.native.build import to_verilog
from ringbed.sim.seam.portmap import PortMap
from ringbed.sim.seam.spec import NicSpec
from tests.hw.stream_bench import refused
from tests.sim.conftest import needs_native
from tests.sim.toy import TOY_MAP, Toy

WORDS = "toy: the pin is below {} (LIMIT)"
KINDS = [
    pytest.param("native", marks=needs_native), pytest.param("cocotb-icarus", marks=pytest.mark.cocotb),
    pytest.param("cocotb-verilator", marks=pytest.mark.cocotb),
]  # fmt: skip
Open = Callable[..., AnyEngine]


class Asserting(Toy):
    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.sync += Assert(self.invert < 7, Format(WORDS, self.scratch))
        return m


def spec() -> NicSpec:
    return NicSpec("asserting", Asserting, PortMap.parse(TOY_MAP), sources=(Path(__file__),))


@pytest.fixture
def opened() -> Iterator[Open]:
    engines: list[AnyEngine] = []

    def open_one(kind: str, card: NicSpec) -> AnyEngine:
        engines.append(open_engine(kind, card, skip_idle=False))  # an idle card is not clocked
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.close()


def broken(engine: AnyEngine) -> list[tuple[int, int | None, int, str, str]]:
    """Findings of two clocks in which it does not hold, with one before and some behind; first, last, count, words."""
    engine.run(20)
    engine.set_pin("invert", 6)
    engine.run(21)
    assert engine.findings() == []
    engine.set_pin("invert", 7)
    engine.run(23)
    engine.set_pin("invert", 0)
    engine.run(30)
    return [
        (each.clock - 21, each.last and each.last - 21, each.count, each.rule, each.text.split(": ", 1)[1])
        for each in engine.findings()
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_each_clock_in_which_it_does_not_hold_is_found(opened: Open, kind: str) -> None:
    found = broken(opened(kind, spec()))
    assert found == [(0, 1, 2, "verilog.error", WORDS.format(0))]


def test_pysim_raises(opened: Open) -> None:
    with pytest.raises(AssertionError, match=r"toy: the pin is below 0 \(LIMIT\)"):
        broken(opened("pysim", spec()))


@needs_native
def test_a_card_without_them_says_nothing(opened: Open) -> None:
    assert broken(opened("native", replace(spec(), assertions=False))) == []


def test_every_one_that_yosys_writes_has_its_words() -> None:
    text = to_verilog(spec())
    assert text.count("assert (") == text.count("else $error(") == text.count("`ifndef SYNTHESIS") == 1
    assert "$write" not in text


def test_one_of_another_form_is_refused() -> None:
    refused(
        lambda: with_words("  always @*\n    assert (x);\n"), "of 1 assertions that Yosys wrote, 1 are not in the form"
    )
