"""`ringbed dut synth`: a table and JSON of somebody's block; what cannot be made is a sentence and ends with 1."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ringbed.cli import main as cli
from ringbed.cli.errors import Exit
from tests.sim.dut.test_two_clocks import CLOCKS, write_map

BLOCKS = Path(__file__).parents[3] / "examples" / "third_party" / "blocks"


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(["dut", "synth", *map(str, arguments)])
    return 0 if end.value.code is None else int(end.value.code)


@pytest.fixture
def block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "150")
    for name in ("rx_checksum.v", "rx_checksum.toml"):
        shutil.copy(BLOCKS / name, tmp_path)
    return tmp_path / "rx_checksum.toml"


@pytest.mark.needs("yosys", "nextpnr")
def test_a_block_of_ones_own(block: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(block, "--json", block.with_suffix(".json")) == Exit.OK
    (row,) = [line.split() for line in capsys.readouterr().out.splitlines() if "rx_checksum.toml" in line]
    (kept,) = json.loads(block.with_suffix(".json").read_text())["rows"]
    assert row[:6] == ["rx_checksum.toml", "64", *(str(kept["cells"][kind]) for kind in ("lut", "ff", "ram", "dsp"))]
    assert kept["cells"]["ff"] == 16 + 32 + 1  # what its source has: beat, total, sum_valid
    assert 20 < kept["fmax"] < 100


@pytest.mark.needs("yosys", "nextpnr")
def test_what_yosys_does_not_read_is_one_sentence(block: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verilog = block.with_suffix(".v")
    text = verilog.read_text()
    verilog.write_text(text.replace("endmodule", "initial begin automatic string s = {<<8{16'h1}}; end\nendmodule"))
    assert run(block) == Exit.FINDING
    line = text[: text.index("endmodule")].count("\n") + 1
    (said,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("rx_checksum.toml: ")]
    assert f"rx_checksum.toml: not synthesized: Yosys: rx_checksum.v:{line}: " in said
    assert said.endswith("(Yosys reads Verilog and part of SystemVerilog)")


@pytest.mark.needs("yosys", "nextpnr")
def test_without_time_and_cache_it_says_so(
    block: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RINGBED_CACHE", str(tmp_path / "empty"))
    assert run(block, "--limit", 0) == Exit.FINDING
    assert "it has not been tried" in capsys.readouterr().out


@pytest.mark.needs("yosys", "nextpnr")
def test_several_clocks_are_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RINGBED_CACHE", str(tmp_path / "cache"))
    path = write_map(tmp_path, next(iter(CLOCKS)))
    assert run(path, "--limit", 0) == Exit.FINDING
    said = capsys.readouterr().out
    assert (
        f"{path.name}: 'clk' and 'phy_clk' are one clock here, so the slowest path may go from one to another" in said
    )
    assert run(BLOCKS / "rx_checksum.toml", "--limit", 0) == Exit.FINDING
    assert "one clock" not in capsys.readouterr().out


def test_a_mistake_in_the_map_is_one_sentence(block: Path, capsys: pytest.CaptureFixture[str]) -> None:
    block.write_text(block.read_text().replace("data_width = 64", "data_width = 32"))
    assert run(block) == Exit.USAGE
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "port 's_axis_tdata' is 64 bits wide, the map says 32" in said
