"""Small designs through Yosys and nextpnr: their cells are known beforehand; the cache answers the second time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ringbed.sim.synth import flow as synth
from ringbed.sim.synth.flow import Design, Limits, synthesize, synthesize_all
from ringbed.sim.synth.netlist import Cells
from ringbed.sim.yosys.tools import SynthError


class Ands(wiring.Component):
    """`stages` registers of `width` bits, the first behind an AND: `width` LUTs, `stages * width` flip-flops."""

    def __init__(self, width: int, stages: int) -> None:
        self.stages = stages
        super().__init__({"a": In(width), "b": In(width), "c": Out(width)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        value = self.a & self.b
        for stage in range(self.stages):
            held = Signal.like(self.a, name=f"stage_{stage}")
            m.d.sync += held.eq(value)
            value = held
        m.d.comb += self.c.eq(value)
        return m


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RINGBED_CACHE", str(tmp_path))
    return tmp_path / "synth"


def no_tool(*_: object) -> None:
    raise AssertionError("a tool was run")


def test_figures_of_a_design_that_is_known(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    designs = [Design.of(f"ands{n}", 64, Ands(8, n), ("here",)) for n in (1, 2)]
    told: list[str] = []
    first = list(synthesize_all(designs, progress=lambda result: told.append(result.name)))
    assert [result.name for result in first] == ["ands1", "ands2"] == sorted(told)
    for stages, result in enumerate(first, 1):
        assert (result.places, result.why) == (("here",), "")
        assert result.cells == Cells(lut=8, ff=8 * stages, ram=0, dsp=0)
        assert result.fmax is not None
        assert result.fmax > 200
        assert result.route is not None
        assert 0 < result.route.routing < result.route.ns
        assert result.fmax == pytest.approx(1000 / result.route.ns, rel=0.01)
    monkeypatch.setattr(synth, "run", no_tool)
    assert list(synthesize_all(designs)) == first


def test_a_design_that_a_tool_does_not_finish_has_a_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    design = Design.of("ands", 64, Ands(8, 1))
    late = synthesize(design, Limits(synth=0.01))
    assert late.why == "not synthesized: Yosys was not done in 0.01 s"
    assert (late.cells, late.fmax) == (None, None)
    half = synthesize(design, Limits(place=0.01))
    assert half.why == "not routed: nextpnr-ecp5 was not done in 0.01 s"
    assert half.cells == Cells(8, 8, 0, 0)
    monkeypatch.setattr(synth, "run", no_tool)
    assert synthesize(design, Limits(place=0.01)) == half
    assert synthesize(design, Limits(place=0.001)) == half  # nor would it be done in less
    assert synthesize(design, Limits(0, 0)) == half
    assert [path.suffix for path in sorted(cache.iterdir()) if path.suffix not in (".gz", ".failure")] == []


def test_without_any_time_only_the_cache_answers(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    design = Design.of("ands", 64, Ands(8, 1))
    first = synthesize(design)
    monkeypatch.setattr(synth, "run", no_tool)
    assert synthesize(design, Limits(0, 0)) == first
    other = synthesize(Design.of("ands", 64, Ands(8, 3)), Limits(0, 0))
    assert other.why == "not synthesized: it has not been tried"
    assert [path for path in cache.iterdir() if path.suffix == ".failure"] == []


def test_a_design_that_is_too_large_is_not_placed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringbed.sim.synth.netlist.DEVICE", {"lut": 100, "ff": 7, "ram": 1, "dsp": 1})
    result = synthesize(Design.of("ands", 64, Ands(8, 1)))
    assert result.why == "does not fit: 8 of 7 flip-flops"
    assert (result.cells, result.fmax) == (Cells(8, 8, 0, 0), None)


def test_a_tool_that_refuses_is_quoted(cache: Path) -> None:
    result = synthesize(Design("broken", 64, "module \\top\n  nonsense\nend\n"))
    assert result.why.startswith("not synthesized: Yosys: ")
    assert "nonsense" in result.why or "error" in result.why.lower()


def test_without_the_tools_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SynthError, match=r"^no whole Yosys: .*; pip install 'ringbed\[synth\]'\)$"):
        synthesize(Design("none", 64, ""))
