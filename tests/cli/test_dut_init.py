"""`ringbed dut init` as a person meets it: from Verilog to a map that fits, in two commands."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ringbed.cli.errors import Exit
from tests.cli.test_main import run
from tests.sim.conftest import needs_native

EXAMPLES = Path(__file__).parents[2] / "examples" / "third_party"
pytestmark = needs_native


@pytest.fixture
def nic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(EXAMPLES / "nic" / "mini_nic.v", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_map_that_fits(nic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("dut", "init", "mini_nic.v", "-o", "maps.toml") == Exit.OK
    said = capsys.readouterr().out
    assert said == "maps.toml: registers, dma, wire.rx, wire.tx; next: ringbed dut check maps.toml\n"
    assert run("dut", "check", "maps.toml") == Exit.OK


def test_a_map_elsewhere_names_the_way(nic: Path) -> None:
    (nic / "maps").mkdir()
    assert run("dut", "init", "mini_nic.v", "-I", ".", "-o", "maps/a.toml") == Exit.OK
    text = (nic / "maps" / "a.toml").read_text()
    assert f'sources = ["{os.path.join("..", "mini_nic.v")}"]' in text
    assert 'include = [".."]' in text


def test_a_block_of_the_kind_that_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    source = EXAMPLES / "blocks" / "rx_checksum.v"
    assert run("dut", "init", str(source), "--block", "rx-checksum/sum") == Exit.OK
    assert 'sum = "sum"' in capsys.readouterr().out.splitlines()


def test_what_is_edited_is_not_written_over(nic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (nic / "mine.toml").write_text("mine")
    assert run("dut", "init", "mini_nic.v", "-o", "mine.toml") == Exit.USAGE
    assert "mine.toml is there already" in capsys.readouterr().err
    assert (nic / "mine.toml").read_text() == "mine"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (["no.v"], "no.v: No such file or directory"),
        (["mini_nic.v", "-I", "no"], "no: No such file or directory"),
        (["mini_nic.v", "--block", "foo"], "there is no kind of block 'foo'"),
        (["mini_nic.v", "--block", "rx-checksum/foo"], "rx-checksum has no variant 'foo'; it has sum, verdict"),
        (["mini_nic.v", "-o", "no/a.toml"], "there is no folder no"),
    ],
)
def test_what_is_wrong_is_a_sentence(
    nic: Path, line: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("dut", "init", *line) == Exit.USAGE
    assert sentence in capsys.readouterr().err


def test_a_module_that_is_not_there(nic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("dut", "init", "mini_nic.v", "--top", "maxi_nic") == Exit.USAGE
    assert "'maxi_nic' was not found" in capsys.readouterr().err
