"""The whole card through Yosys, for an FPGA: block RAM found, no latch, nothing for `check` to complain of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ringbed.hw.stream.packet_buffer import BANK_BYTES, BANKS
from ringbed.sim.cards import em
from ringbed.sim.native.build import verilog_of
from tests.hw.yosys import yosys

BLOCK_RAM_BYTES = 2048  # of one DP16KD, at a width of a power of two
# up to flip-flops, gates, carry chains and RAM; what is left out is packing gates into look-up tables
SCRIPT = "read_verilog em.v; synth_ecp5 -top em -run begin:map_luts; check -assert; stat"


@pytest.mark.full  # two minutes; by default its blocks go through, and the widest card is read
def test_synthesizes_clean(tmp_path: Path) -> None:
    (tmp_path / "em.v").write_text(verilog_of(em()))
    said = yosys(tmp_path, SCRIPT)
    # the one warning is about Yosys's own library of cells
    warnings = [line for line in said.splitlines() if "warning" in line.lower() and "abc9_map.v" not in line]
    assert warnings == []
    cells = dict(re.findall(r"^\s+(\d+)\s+(\S+)$", said[said.index("Printing statistics") :], re.MULTILINE))
    counts = {name: int(count) for count, name in cells.items()}
    assert counts["DP16KD"] >= BANKS * BANK_BYTES // BLOCK_RAM_BYTES  # the packet buffer is block RAM, not registers
    assert 3_000 < counts["TRELLIS_FF"] < 15_000  # 11,000 in fact: statistics, filters and timers are registers
    assert not [name for name in counts if "latch" in name.lower()]
