"""`docs/synthesis.md` has every block, and two small ones take what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbed.benchmarks.synth_page import figures_on, page, slowest_path
from ringbed.sim.synth.blocks import blocks_of, bridges
from ringbed.sim.synth.flow import Design, Synthesis, synthesize
from ringbed.sim.synth.netlist import Cells, Route

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "synthesis.md"
CELLS, MHZ = 0.1, 0.25  # how far a newer tool, or a small change of a block, may be from the page
ROUTE = Route("port i[3]", "left|due", 10.0, 6.0, 5)
CARD = Synthesis("em", 512, (), Cells(90_000, 12_345, 0, 0), why="does not fit: 90,000 of 83,640 LUTs")
THEIRS = Synthesis("their_mac.toml", 8, (), Cells(10, 20, 0, 0), 100.0, ROUTE)
BLOCKS = [Synthesis("mac", width, ("a",), Cells(1_000, width, 2, 3), 100.04, ROUTE) for width in (64, 512)]


def test_a_page_is_read_back() -> None:
    text = page({"Yosys": "0.1", "nextpnr": "0.2"}, [CARD], BLOCKS, [THEIRS])
    assert figures_on(text) == {
        ("em", 512): (90_000, 12_345, 0, 0, None),
        ("mac", 64): (1_000, 64, 2, 3, 100.0),
        ("mac", 512): (1_000, 512, 2, 3, 100.0),
        ("their_mac.toml", 8): (10, 20, 0, 0, 100.0),
    }
    assert "Yosys 0.1 and nextpnr 0.2" in text
    assert r"port `i[3]` to `left\|due`: 10.0 ns, 5 cells, 60 % wire |" in text


def test_without_a_path_there_is_a_reason() -> None:
    assert slowest_path(CARD) == "does not fit: 90,000 of 83,640 LUTs"


def test_the_page_has_every_block() -> None:
    figures = figures_on(PAGE.read_text(encoding="utf-8"))
    own = ["em", *blocks_of("em", 64)]
    assert [name for name, width in figures if width == 64][: len(own)] == own, "run `make synth`"
    others = {path.name for path in (ROOT / "examples" / "third_party").rglob("*.toml")}
    assert {name for name, _ in figures} >= others | {block.name for block in bridges()}, "run `make synth`"


def test_everything_on_the_page_was_tried() -> None:
    assert "it has not been tried" not in PAGE.read_text(encoding="utf-8"), "run `make synth`"


@pytest.mark.parametrize("name", ["card_reset", "vlan_strip"])
def test_the_page_tells_the_truth(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBED_CACHE", str(tmp_path))
    block = blocks_of("em", 64)[name]
    found = synthesize(Design.of(name, 64, block.component))
    assert found.cells is not None
    lut, ff, ram, dsp, mhz = figures_on(PAGE.read_text(encoding="utf-8"))[name, 64]
    assert (found.cells.lut, found.cells.ff) == pytest.approx((lut, ff), rel=CELLS), "run `make synth`"
    assert (found.cells.ram, found.cells.dsp) == (ram, dsp), "run `make synth`"
    assert found.fmax == pytest.approx(mhz, rel=MHZ), "run `make synth`"
