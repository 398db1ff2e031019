"""Each example block passes its ready test on the native engine, and the one with a bug does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ringbed.conformance.blocks.device import EngineBlock
from ringbed.conformance.blocks.run import Amount, Report, check_block
from ringbed.sim.dut_block import block_spec, read_block
from ringbed.sim.engines import open_engine

BLOCKS = Path(__file__).parents[2] / "examples" / "third_party" / "blocks"
BROKEN = "tx_checksum_bcm57xx"
GOOD = sorted(path.stem for path in BLOCKS.glob("*.toml") if path.stem != BROKEN)


def check(name: str, **options: Any) -> Report:
    dut, rtl, ports = read_block(BLOCKS / f"{name}.toml")
    device = open_engine("native", block_spec(dut, rtl, ports))
    try:
        return check_block(EngineBlock(device, ports, dut.rx, dut.tx), ports.setup, **options)
    finally:
        device.close()


def test_there_is_one_of_each_kind() -> None:
    kinds = {read_block(BLOCKS / f"{name}.toml")[2].setup.contract.block for name in GOOD}
    assert {str(kind) for kind in kinds} == {"tx-checksum", "rx-checksum", "rss-hash", "segment"}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_block_has_no_findings(name: str) -> None:
    report = check(name)
    assert [str(finding) for finding in report.findings] == []
    assert sum(report.asked.values()) > 100


def test_broadcoms_zero_is_found_and_nothing_else() -> None:
    report = check(BROKEN)
    assert {finding.got for finding in report.findings} == {"0x0000"}
    assert {finding.expected for finding in report.findings} == {"0xffff"}
    assert report.wrong("sums of 0") == 4


@pytest.mark.full
@pytest.mark.parametrize("name", GOOD)
def test_a_good_block_has_no_findings_in_all_there_is_to_ask(name: str) -> None:
    assert [str(finding) for finding in check(name, amount=Amount.FULL).findings] == []
