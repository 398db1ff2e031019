"""Every block of the frame path as Verilog, through the whole Yosys: no warning, nothing left for `check` to find."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ringbed.hw.interrupt.rx_delay import RxDelay
from ringbed.hw.mac.crc import Crc32
from ringbed.hw.mac.pause_rx import PauseRx
from ringbed.hw.mac.rx import MacRx
from ringbed.hw.mac.rx_head import RxHead
from ringbed.hw.mac.tx import MacTx
from ringbed.hw.rx.admit import RxAdmit
from ringbed.hw.rx.checksum import ChecksumRx
from ringbed.hw.rx.filter import RxFilter
from ringbed.hw.rx.parse import Parse
from ringbed.hw.rx.vlan_strip import VlanStrip
from ringbed.hw.stream.patch import Patch
from ringbed.hw.tx.checksum import ChecksumTx
from tests.hw.stream_bench import verilog_of
from tests.hw.yosys import yosys

BLOCKS = (Crc32, MacRx, RxHead, VlanStrip, RxAdmit, Parse, ChecksumRx, ChecksumTx, Patch, MacTx)
WITHOUT_WIDTH: dict[str, Any] = {"RxFilter": RxFilter, "PauseRx": PauseRx, "RxDelay": lambda: RxDelay(128)}
LARGEST = 50_000  # characters of Verilog of one block at 64 bits; more means that something was unrolled


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: str(block.__name__))
def test_synthesizes_without_a_warning(block: Any, tmp_path: Path) -> None:
    text = verilog_of(block(64))
    assert len(text) < LARGEST
    (tmp_path / "block.v").write_text(text)
    said = yosys(tmp_path, "read_verilog block.v; synth -noabc -top top; check -assert")
    assert "warning" not in said.lower(), said


@pytest.mark.parametrize("name", WITHOUT_WIDTH)
def test_synthesizes_without_a_width(name: str, tmp_path: Path) -> None:
    (tmp_path / "block.v").write_text(verilog_of(WITHOUT_WIDTH[name]()))
    said = yosys(tmp_path, "read_verilog block.v; synth -noabc -top top; check -assert")
    assert "warning" not in said.lower(), said


@pytest.mark.parametrize("width", [128, 256, 512])
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: str(block.__name__))
def test_elaborates_at_other_widths(block: Any, width: int) -> None:
    """As Verilog, which is where Yosys checks it; no larger than its beat makes it."""
    assert len(verilog_of(block(width))) < LARGEST * width // 64
