"""A wrapped card's findings and hangs in the terms of its own buses, the same on every engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbed.hw.formats.dut import Bus, BusKind, Dut
from ringbed.sim.dut.card import dut_spec
from ringbed.sim.dut.words import DutWords
from ringbed.sim.engines import open_engine
from ringbed.sim.seam.engine import Finding
from ringbed.sim.testbed.peer import NoAnswer, ping
from tests.sim.conftest import OpenMini
from tests.sim.dut.test_card import WISHBONE, WISHBONE_MAP

ENGINES = ["native", pytest.param("cocotb-icarus", marks=pytest.mark.cocotb)]
TAKEN = "if (taken) mem_req <= 0;"
REQUEST = Bus(
    BusKind.REQUEST, 64, 64, ports={name: f"m_{name}" for name in ("req", "gnt", "we", "addr", "be", "wdata")}
)
BUGS = [
    (TAKEN, "if (mem_req) mem_req <= 0;", "request.hold", "mem_req fell, or mem_we changed, before mem_gnt"),
    (
        TAKEN, TAKEN + " else if (mem_req) mem_addr <= mem_addr ^ 64'h10;", "request.stable",
        "mem_addr changed while mem_req waited for mem_gnt",
    ),
]  # fmt: skip


def words(bus: Bus) -> DutWords:
    dma, registers = (bus, None) if bus.kind in BusKind.DMA else (None, bus)
    return DutWords(Dut("nic", "clk", (), dma=dma, registers=registers))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("old", "new", "rule", "text"), BUGS)
def test_what_a_request_does_wrong(
    open_mini: OpenMini, engine: str, old: str, new: str, rule: str, text: str
) -> None:  # fmt: skip
    host, peer = open_mini(engine, ((old, new),), backpressure=0.5, seed=3)
    with pytest.raises(NoAnswer) as caught:
        ping(host, peer, within_ns=100_000)
    found = [finding for finding in caught.value.findings if finding.rule != "dma.read"]
    assert {(finding.rule, finding.text) for finding in found} == {(rule, text)}
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_request_beside_the_words(open_mini: OpenMini, engine: str) -> None:
    """The length of a received frame written at an odd address."""
    host, peer = open_mini(engine, (("rx_slot, 4'b1000}", "rx_slot, 4'b1001}"),))
    ping(host, peer)  # memory takes whole words
    first = host.engine.findings()[0]
    ring = host.memory.leaks()[0].iova
    assert first.rule == "request.align"
    assert first.text == f"a write with mem_addr {ring + 9:#x}, which is not a multiple of 8, the bytes of a word"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wishbone_card_that_stays_in_reset(tmp_path: Path, engine: str) -> None:
    (tmp_path / "wb.v").write_text(WISHBONE, encoding="utf-8")
    inverted = WISHBONE_MAP.replace('port = "rst"', 'port = "rst", active = "low"')
    (tmp_path / "wb.toml").write_text(inverted, encoding="utf-8")
    card = open_engine(engine, dut_spec(tmp_path / "wb.toml"), answer_limit=500)
    try:
        with pytest.raises(
            TimeoutError, match="8 has no answer after 500 clocks: cyc and stb were up, ack never came; for a"
        ):
            card.read(8)
    finally:
        card.close()


def test_rules_of_data_and_errors_of_bridges() -> None:
    stable = Finding(5, "axi.stable", "W changed while WVALID waited for WREADY")
    address = Finding(5, "axi.stable", "AW changed while AWVALID waited for AWREADY")
    told = [finding.text for finding in words(REQUEST).findings([address, stable])]
    assert told == [
        "m_addr changed while m_req waited for m_gnt",
        "m_wdata or m_be changed while m_req waited for m_gnt",
    ]
    fell = [Finding(6, "axi.hold", f"{channel}VALID fell before {channel}READY") for channel in ("AW", "W")]
    assert words(REQUEST).findings(fell) == [Finding(6, "request.hold", "m_req fell, or m_we changed, before m_gnt")]
    refused = Finding(9, "register.error", "a register read at 0x8 is answered 2")
    apb = Bus(BusKind.APB, 32, 8, ports={"psel": "psel", "penable": "penable", "pslverr": "bad", "pready": "pready"})
    assert words(apb).findings([refused])[0].text == "a register read at 0x8 is answered with bad"
    assert words(apb).unanswered(write=False, taken=True) == "psel and penable were up, pready never came"
    assert words(Bus(BusKind.AXI_LITE, 32, 8)).findings([refused]) == [refused]
    assert words(Bus(BusKind.AXI, 64, 64)).findings([stable]) == [stable]
