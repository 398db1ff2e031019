"""docs/bring-your-own-nic.md, step by step, in a folder of one's own; and how many lines that is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NIC = ROOT / "examples" / "third_party" / "nic"
PAGE = (ROOT / "docs" / "bring-your-own-nic.md").read_text(encoding="utf-8")
LINES = 30  # the bar of dut.lines: what a user writes beside map and driver


def run(folder: Path, *words: str) -> str:
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def lines_of(file: Path) -> int:
    """Without blank ones."""
    return sum(bool(line.strip()) for line in file.read_text(encoding="utf-8").splitlines())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(NIC, tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "mine"


def test_every_step(folder: Path) -> None:
    """`ringbed dut check examples/third_party/nic/mini_nic.toml`, `pytest examples/third_party/nic`."""
    assert "fits mini_nic" in run(folder, "-m", "ringbed.cli.main", "dut", "check", "mini_nic.toml")
    assert "2 passed" in run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider")


def test_a_bug_in_the_verilog_is_seen(folder: Path) -> None:
    """The length of the last beat one short: a test that cannot fail would be no example."""
    source = folder / "mini_nic.v"
    text = source.read_text(encoding="utf-8")
    assert "rx_length + 8 - {" in text
    source.write_text(text.replace("rx_length + 8 - {", "rx_length + 7 - {"), encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x"], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 1


def test_a_wrong_dma_address_is_told_before_what_it_leads_to(folder: Path) -> None:
    source = folder / "mini_nic.v"
    text = source.read_text(encoding="utf-8")
    assert "address <= mem_rdata;" in text
    source.write_text(text.replace("address <= mem_rdata;", "address <= mem_rdata + 64'h10000;"), encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    said = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False).stdout
    cause, finding, *_ = [line for line in said.splitlines() if line.startswith("E  ")]
    assert "NoAnswer: nic0: no answer of 10.0.0.1 within 1000000 ns" in cause
    assert ": dma.read: the device reads 0x" in finding
    assert ": beyond, by " in finding
    assert "mini_driver.py:" in finding  # the line that mapped the nearest buffer


def test_the_lines_that_the_page_promises() -> None:
    lines = lines_of(NIC / "test_mini_nic.py")
    assert lines <= LINES
    assert f"test_mini_nic.py), {lines} lines:" in PAGE.replace("\n", " ")
