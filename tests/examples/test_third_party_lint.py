"""The Verilog of the examples is clean, blocks and NIC: Verilator with every warning on, and Icarus as Verilog-2005."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ringbed.sim.native.toolchain import find_verilator

SOURCES = sorted((Path(__file__).parents[2] / "examples" / "third_party").rglob("*.v"))


def complaints(command: list[str], **environment: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=60)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("- ")]
    return "\n".join(lines if done.returncode or lines else [])


def test_all_of_them_are_looked_at() -> None:
    blocks = {"tx_checksum", "rx_checksum", "rx_verdict", "rss_hash", "rss_stream", "segment", "stream_fifo"}
    assert {source.stem for source in SOURCES} == blocks | {"mini_nic"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_verilator_has_no_warning(source: Path) -> None:
    verilator = find_verilator()
    command = [str(verilator.binary), "--lint-only", "-Wall", f"-I{source.parent}", str(source)]
    assert complaints(command, VERILATOR_ROOT=str(verilator.root)) == ""


@pytest.mark.needs("icarus")
@pytest.mark.cocotb
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_icarus_has_no_warning(source: Path, tmp_path: Path) -> None:
    command = ["iverilog", "-g2005", "-Wall", "-y", str(source.parent), "-o", str(tmp_path / "out"), str(source)]
    assert complaints(command) == ""
