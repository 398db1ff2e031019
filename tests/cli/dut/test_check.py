"""`ringbed dut check`: a map that fits says so, one that does not ends with 1 and a sentence for each mistake."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from ringbed.cli import main as cli
from ringbed.cli.errors import Exit
from tests.sim.dut.test_two_clocks import CLOCKS, write_map

EXAMPLE = Path(__file__).parents[3] / "examples" / "third_party" / "nic"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(["dut", "check", *arguments])
    return 0 if end.value.code is None else int(end.value.code)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLE, tmp_path / "nic")
    return tmp_path / "nic" / "mini_nic.toml"


def test_the_example_fits(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(EXAMPLE / "mini_nic.toml")) == Exit.OK
    said = capsys.readouterr().out
    assert "registers.paddr" in said
    assert said.rstrip().endswith("fits mini_nic")


def test_mistakes_are_sentences(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy.write_text(
        copy.read_text().replace("addr_width = 8", "addr_width = 9").replace('port = "irq"', 'port = "irk"')
    )
    assert run(str(copy)) == Exit.FINDING
    said = capsys.readouterr().out
    assert "registers.paddr: port 'paddr' is 8 bits wide, the map says 9" in said
    assert "interrupts: mini_nic has no port 'irk'" in said


def test_the_table_shows_no_default_in_the_place_of_a_wrong_value(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = copy.read_text()
    copy.write_text(text.replace('kind = "request"', 'kind = "reqest"').replace('active = "low"', 'active = "lo"'))
    assert copy.read_text() != text
    assert run(str(copy)) == Exit.FINDING
    said = capsys.readouterr().out
    assert re.findall(r"(\S+) *│ *(\S*,? ?)not clear, see below", said) == [("reset", "rst_n, "), ("dma", "")]
    assert "reset.active must be 'high' or 'low', not 'lo'" in said
    assert "dma.kind must be 'axi4' or 'request', not 'reqest'" in said
    assert "ties." not in said
    assert re.search(r"mem_req .* not clear yet ", said)


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("no.toml") == Exit.USAGE
    assert capsys.readouterr().err == "ringbed: no.toml: No such file or directory\n"


def test_a_block_fits_and_its_command_is_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(EXAMPLE.parent / "blocks" / "tx_checksum.toml")) == Exit.OK
    said = capsys.readouterr().out
    assert "block.command.start" in said
    assert said.rstrip().endswith("fits tx_checksum")


@pytest.mark.needs("yosys")
@pytest.mark.parametrize("clocks", CLOCKS)
def test_a_card_of_two_clocks(clocks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It fits as it is; with the wire on the wrong clock each of its signals is named."""
    path = write_map(tmp_path, clocks)
    assert run(str(path)) == Exit.OK
    said = capsys.readouterr().out
    assert "clk, 2/3 of phy_clk, 0.4 of its period later" in said or "phy_clk, 5/4 of clk" in said
    path.write_text(path.read_text().replace('fcs = false\nclock = "phy_clk"', 'fcs = false\nclock = "clk"'))
    assert run(str(path)) == Exit.FINDING
    said = capsys.readouterr().out
    for signal in ("rx.tvalid: port 'in_tvalid'", "rx.tdata: port 'in_tdata'", "tx.tvalid: port 'out_tvalid'"):
        assert f"wire.{signal} meets flip-flops on 'phy_clk', the map has the bus on 'clk'" in said


@pytest.mark.needs("yosys")
def test_a_result_that_nothing_drives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (EXAMPLE.parent / "blocks").glob("rx_checksum.*"):
        text = path.read_text(encoding="utf-8").replace("sum_valid <=", "hidden <=")
        text = text.replace("reg         sum_valid", "wire        sum_valid").replace(
            "reg [31:0]", "reg hidden; reg [31:0]", 1
        )
        (tmp_path / path.name).write_text(text)
    assert run(str(tmp_path / "rx_checksum.toml")) == Exit.FINDING
    assert "block.result.valid: nothing drives port 'sum_valid'" in capsys.readouterr().out
