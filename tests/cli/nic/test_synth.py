"""`ringbed nic synth` on a card of two small blocks: table, JSON, page, and one sentence for what there is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ringbed.benchmarks.synth_page import figures_on
from ringbed.cli import main as cli
from ringbed.cli.errors import Exit
from ringbed.sim.synth import blocks as synth_blocks
from ringbed.sim.synth.blocks import Block

VERDICT = Path(__file__).parents[3] / "examples" / "third_party" / "blocks" / "rx_verdict.toml"


class Narrow(wiring.Component):
    __module__ = "ringbed.hw.narrow"

    def __init__(self) -> None:
        super().__init__({"a": In(1), "b": In(1), "c": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.sync += self.c.eq(self.a ^ self.b)
        return m


class AsWide(wiring.Component):
    __module__ = "ringbed.hw.as_wide"

    def __init__(self, width: int) -> None:
        super().__init__({"a": In(width), "b": In(width), "c": Out(width)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.sync += self.c.eq(self.a ^ self.b)
        return m


class Toy(wiring.Component):
    __module__ = "ringbed.hw.toy"

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__({"a": In(width), "b": In(width), "c": Out(width), "d": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.narrow = narrow = Narrow()
        m.submodules.wide = wide = AsWide(self.width)
        m.d.comb += [wide.a.eq(self.a), wide.b.eq(self.b), self.c.eq(wide.c)]
        m.d.comb += [narrow.a.eq(self.a[0]), narrow.b.eq(self.b[1]), self.d.eq(narrow.c)]
        return m


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A card `em` of two blocks, and a cache of its own."""
    monkeypatch.setitem(synth_blocks.CARDS, "em", Toy)
    monkeypatch.setenv("RINGBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "150")
    return tmp_path


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(["nic", *map(str, arguments)])
    return 0 if end.value.code is None else int(end.value.code)


@pytest.mark.needs("yosys", "nextpnr")
def test_a_block_a_card_and_every_block(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("synth", "em", "narrow") == Exit.OK
    assert [line.split()[:6] for line in capsys.readouterr().out.splitlines() if "narrow" in line] == [
        ["narrow", "64", "1", "1", "0", "0"]
    ]
    assert run("synth", "em", "--json", "-") == Exit.OK
    (card,) = json.loads(capsys.readouterr().out)["rows"]
    assert card["cells"] == {"lut": 65, "ff": 65, "ram": 0, "dsp": 0}
    assert run("synth", "em", "--each", "--width", 128, "--json", toy / "all.json") == Exit.OK
    rows = json.loads((toy / "all.json").read_text())["rows"]
    assert [(row["name"], row["width"], row["cells"]["ff"]) for row in rows] == [
        ("narrow", 128, 1),
        ("as_wide", 128, 128),
    ]
    assert all(row["fmax"] > 100 for row in rows)


@pytest.mark.needs("yosys", "nextpnr")
def test_the_page_has_cards_and_blocks_of_both_widths(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringbed.cli.nic.synth.ON_PAGE", (64, 128))  # 512 takes longer and shows no more
    monkeypatch.setattr("ringbed.sim.synth.blocks.bridges", lambda: [Block("bridge", 32, AsWide(32))])
    assert run("synth", "em", "--page", toy / "page.md", "--dut", VERDICT) == Exit.OK
    text = (toy / "page.md").read_text()
    figures = figures_on(text)
    own = [("em", 64), ("em", 128), ("narrow", 64), ("as_wide", 64), ("as_wide", 128)]
    assert list(figures) == [*own, ("rx_verdict.toml", 8), ("bridge", 32)]
    assert [each[:4] for each in figures.values() if each != figures["rx_verdict.toml", 8]] == [
        (65, 65, 0, 0), (129, 129, 0, 0), (1, 1, 0, 0), (64, 64, 0, 0), (128, 128, 0, 0), (32, 32, 0, 0),
    ]  # fmt: skip
    assert "port `a" in text


def test_a_block_as_verilog(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verilog", "em", "--block", "as_wide", "--width", 512, "-o", toy / "it.v") == Exit.OK
    assert "module as_wide(" in (toy / "it.v").read_text()
    assert "[511:0] c" in (toy / "it.v").read_text()
    assert "module as_wide, " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (("synth", "e1000x"), "there is no NIC 'e1000x'; there is em"),
        (("synth", "em", "tool"), "em has no block 'tool'; it has as_wide, narrow"),
        (("synth", "em", "--width", 96), "em is made 64, 128, 256, 512 bits wide, not 96"),
        (("synth", "em", "narrow", "--page", "x.md"), "--page is about all blocks; leave BLOCK and --each away"),
        (("synth", "em", "--dut", "x.toml"), "--dut is for --page; without one it is `ringbed dut synth MAP`"),
        (("synth", "em", "--json", "none/x.json"), "cannot write none/x.json: there is no folder none"),
        (("verilog", "em", "--block", "tool", "-o", "-"), "em has no block 'tool'; it has as_wide, narrow"),
        (("verilog", "em", "--width", 96, "-o", "-"), "em is made 64, 128, 256, 512 bits wide, not 96"),
    ],
)
def test_what_there_is_not_is_one_sentence(
    line: tuple[object, ...], sentence: str, toy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*line) == Exit.USAGE
    assert capsys.readouterr().err == f"ringbed: {sentence}\n"


def test_a_missing_tool_is_the_machines_fault(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run("synth", "em", "narrow") == Exit.ENVIRONMENT
    assert "ringbed: no whole Yosys: " in capsys.readouterr().err
