"""Each example block passes its ready test on the native engine, a part of it on cocotb's; the one with a bug fails."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from ringbed.conformance.blocks.device import EngineBlock
from ringbed.conformance.blocks.run import PAUSED, Amount, Report, ask_twice, questions
from ringbed.hw.formats.blocks import CONTRACTS
from ringbed.sim.dut.block import block_spec, read_block
from ringbed.sim.engines import open_engine

BLOCKS = Path(__file__).parents[2] / "examples" / "third_party" / "blocks"
BROKEN = "tx_checksum_bcm57xx"
GOOD = sorted(path.stem for path in BLOCKS.glob("*.toml") if path.stem != BROKEN)


def check(name: str, folder: Path = BLOCKS, engine: str = "native", most: int = 1 << 30, **options: Any) -> Report:
    """Asks `most` of each kind."""
    dut, rtl, ports = read_block(folder / f"{name}.toml")
    cases = {kind: of_kind[:most] for kind, of_kind in questions(ports.setup, **options).items()}
    device = open_engine(engine, block_spec(dut, rtl, ports))
    try:
        return ask_twice(EngineBlock(device, ports, dut), ports.setup, cases, seed=1)
    finally:
        device.close()


def test_there_is_one_of_each_contract() -> None:
    names = {read_block(BLOCKS / f"{name}.toml")[2].setup.contract.name for name in GOOD}
    assert names == {contract.name for contract in CONTRACTS}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_block_has_no_findings(name: str) -> None:
    report = check(name)
    assert [str(finding) for finding in report.findings] == []
    assert sum(report.asked.values()) > 100


# What is asked on cocotb: of each kind a little, for Icarus evaluates some thousand clocks a second.
FEW = {"tx_checksum": "sums of 0", "tx_checksum_bcm57xx": "sums of 0", "rx_checksum": "sums of 0",
       "rx_verdict": "sums of 0", "rss_hash": "microsoft's vectors", "rss_stream": "microsoft's vectors",
       "segment": "identifications", "stream_fifo": "around beats"}  # fmt: skip


@pytest.mark.cocotb
@pytest.mark.parametrize("engine", ["cocotb-icarus", pytest.param("cocotb-verilator", marks=pytest.mark.full)])
@pytest.mark.parametrize("name", [*GOOD, BROKEN])
def test_on_cocotb(name: str, engine: str) -> None:
    report = check(name, engine=engine, most=6, kinds=[FEW[name]])
    assert sum(report.asked.values()) >= 12
    assert {finding.got for finding in report.findings} == ({"0x0000"} if name == BROKEN else set())


def test_broadcoms_zero_is_found_and_nothing_else() -> None:
    report = check(BROKEN)
    assert {finding.got for finding in report.findings} == {"0x0000"}
    assert {finding.expected for finding in report.findings} == {"0xffff"}
    assert report.wrong("sums of 0") == report.wrong("sums of 0" + PAUSED) == 4


@pytest.mark.full
@pytest.mark.parametrize("name", GOOD)
def test_a_good_block_has_no_findings_in_all_there_is_to_ask(name: str) -> None:
    assert [str(finding) for finding in check(name, amount=Amount.FULL).findings] == []


# A mistake in the Verilog of each kind of block: what it was, and what somebody wrote.
L3_AT_4, L4_AT_13 = "16'd4: edited = ipv6", "16'd13: if (!udp)"
MUTANTS = [
    ("tx_checksum", "first ? csum_start : start", "start"),
    ("tx_checksum", "(first ? 32'd0 : total) + share", "total + share"),
    ("tx_checksum", "{15'd0, once[16]}", "16'd0"),
    ("tx_checksum", "s_axis_tkeep[lane] && ", ""),
    ("tx_checksum", "at[0] == now_start[0]", "!at[0]"),
    ("tx_checksum", "if (m_axis_tvalid && m_axis_tready) begin", "if (m_axis_tvalid) begin"),
    ("tx_checksum", "enable <= now_enable;", "enable <= enable | csum_enable;"),
    ("rx_checksum", "if (s_axis_tvalid) begin", "begin"),
    ("rx_checksum", "{15'd0, once[16]}", "16'd0"),
    ("rx_checksum", "s_axis_tkeep[lane] && ", ""),
    ("rss_hash", "{src[31:0], dst[31:0], sport", "{dst[31:0], src[31:0], sport"),
    ("rss_hash", "key  <= key << 8", "key  <= key << 7"),
    ("rss_hash", "hash_type <= kind", "hash_type <= IPV4"),
    ("rx_verdict", "in_body    = l3_at >= header && l3_at < total", "in_body    = l3_at >= header && header != 0"),
    ("rx_verdict", "l3_at == 6 && rx_data[5:0] != 0", "l3_at == 6 && rx_data[4:0] != 0"),
    ("rx_verdict", "&& udp_sum != 0", ""),
    ("rx_verdict", " && body == {1'b0, udp_length}", ""),
    ("rx_verdict", "l3_at >= 8 && l3_at < 40", "l3_at >= 8 && l3_at < 24"),
    ("rx_verdict", " && total <= packet", ""),
    ("rx_verdict", "{11'd0, rx_data[3:0], 2'd0}", "17'd20"),
    ("rx_verdict", "{l3_sum, l4_sum} <= 0", "l3_sum <= 0"),
    ("rx_verdict", "l4_sum + {15'd0, body}", "l4_sum"),
    ("rx_verdict", "{ether, header, total, fragment} <= 0", "{ether, header, total} <= 0"),
    ("rx_verdict", "= protocol == TCP && body >= 20", "= protocol != UDP && body >= 20"),
    ("rx_verdict", "verdict_valid <= rx_valid && rx_last", "verdict_valid <= rx_last"),
    ("rss_stream", "words[2][29:16] != 0", "words[2][28:16] != 0"),
    ("rss_stream", "&& begins[3:0] == 5 && !fragment", "&& !fragment"),
    ("rss_stream", "(tcp6 ? IPV6_TCP : IPV6) : NONE", "(tcp6 ? IPV6_TCP : IPV6) : IPV6"),
    ("rss_stream", "{words[3][47:0], words[4][63:16]}", "{words[3][15:0], words[3][47:16], words[4][63:16]}"),
    ("rss_stream", "words[2][31:24] == TCP", "words[2][31:24] != 0"),
    ("rss_stream", "if (asking && asked)", "if (asking)"),
    ("rss_stream", "assign in_ready = !asking", "assign in_ready = 1"),
    ("rss_stream", "words[6], words[7][63:48]", "words[7], words[6][63:48]"),
    ("segment", "final_one ? 8'd0 : FIN_PSH", "8'd0"),
    ("segment", "first_segment ? 8'd0 : CWR", "8'd0"),
    ("segment", "ident           <= ident + 1", "ident[14:0]     <= ident[14:0] + 1"),
    ("segment", "remaining <= {3'd0, size}", "remaining < {3'd0, size}"),
    ("segment", "!m_axis_tvalid || m_axis_tready", "1'b1"),
    ("segment", "sequence_number + {16'd0, part}", "sequence_number + {18'd0, size} + 32'd1"),
    # Fields that a segmenter may clear unseen while they are 0, or the same, in every message.
    ("segment", L3_AT_4, "16'd1: if (!ipv6) edited = 0;\n            " + L3_AT_4),
    ("segment", L3_AT_4, "16'd1: if (ipv6) edited = 0;\n            " + L3_AT_4),
    ("segment", L3_AT_4, "16'd6, 16'd7: if (!ipv6) edited = 0;\n            " + L3_AT_4),
    ("segment", L4_AT_13, "16'd8, 16'd9, 16'd10, 16'd11: if (!udp) edited = 0;\n            " + L4_AT_13),
    ("segment", L4_AT_13, "16'd12: if (!udp) edited = stored & 8'hf0;\n            " + L4_AT_13),
    ("segment", L4_AT_13, "16'd18, 16'd19: if (!udp) edited = 0;\n            " + L4_AT_13),
    # Bits of a fragment's offset, long frames, lengths that lie, what is above an address of IPv4.
    ("rx_verdict", "|| l3_at == 7 && rx_data != 0", ""),
    ("rss_stream", "words[2][29:16] != 0", "words[2][29:24] != 0"),
    ("rx_checksum", "beat == 16'hffff ? beat : beat + 16'd1", "{8'd0, beat[7:0] + 8'd1}"),
    ("rx_checksum", "(beat == 0 ? 32'd0 : total) + share", "((beat == 0 ? 32'd0 : total) + share) & 32'h03ffffff"),
    ("rx_verdict", "header <= total && ", ""),
    ("rx_verdict", "header >= 20 ||", "header >= 16 ||"),
    ("rx_verdict", "udp        = protocol == UDP && body >= 8", "udp        = protocol == UDP"),
    ("rx_verdict", "protocol == TCP && body >= 20", "protocol == TCP && body >= 18"),
    ("rss_hash", "data <= {src[31:0], dst", "data <= {src[31:0] ^ src[63:32], dst"),
    # A beat too many or too few: where it is full, where it is over, where it begins anew.
    ("stream_fifo", "assign s_axis_tready = !full", "assign s_axis_tready = 1'b1"),
    ("stream_fifo", "wire next  = !there || m_axis_tready", "wire next  = 1'b1"),
    ("stream_fifo", "!there || m_axis_tready;", "!there || m_axis_tready || full;"),
    ("stream_fifo", "            if (!empty)\n                read <= read + 1;", "            read <= read + 1;"),
    ("stream_fifo", "there <= !empty", "there <= !empty || m_axis_tlast && there"),
    ("stream_fifo", "{s_axis_tlast, s_axis_tkeep,", "{s_axis_tlast, {WIDTH/8{1'b1}},"),
    ("stream_fifo", "            written <= 0;\n", ""),
    ("stream_fifo", "            there   <= 0;\n", ""),
]


def mutant(folder: Path, name: str, before: str, after: str) -> Path:
    """A folder with the block's map and its Verilog with the mistake in it."""
    text = (BLOCKS / f"{name}.v").read_text(encoding="utf-8")
    assert text.count(before) == 1
    shutil.copy(BLOCKS / f"{name}.toml", folder)
    return with_verilog(folder, name, text.replace(before, after))


def edited(folder: Path, name: str, *changes: tuple[str, str]) -> Path:
    """As `mutant`, with several changes; one to `[block]` is of the map."""
    verilog, toml = ((BLOCKS / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("v", "toml"))
    for before, after in changes:
        assert (verilog + toml).count(before) == 1
        verilog, toml = verilog.replace(before, after), toml.replace(before, after)
    (folder / f"{name}.toml").write_text(toml, encoding="utf-8")
    return with_verilog(folder, name, verilog)


def with_verilog(folder: Path, name: str, text: str) -> Path:
    """`folder` with that, and with the Verilog of the other blocks, which a map may name beside its own."""
    for source in BLOCKS.glob("*.v"):
        shutil.copy(source, folder)
    (folder / f"{name}.v").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.full
@pytest.mark.parametrize(("name", "before", "after"), MUTANTS)
def test_a_mistake_is_found(tmp_path: Path, name: str, before: str, after: str) -> None:
    assert check(name, mutant(tmp_path, name, before, after)).findings


def test_a_mistake_that_shows_only_with_pauses_is_found(tmp_path: Path) -> None:
    report = check("rx_checksum", mutant(tmp_path, *MUTANTS[7]), kinds=["lengths"])
    assert report.wrong("lengths" + PAUSED) > 10


@pytest.mark.parametrize("mistake", [each for each in MUTANTS if each[0] == "rx_checksum"][-2:])
def test_a_mistake_that_shows_only_in_jumbo_frames_is_found(tmp_path: Path, mistake: tuple[str, str, str]) -> None:
    assert check("rx_checksum", mutant(tmp_path, *mistake), kinds=["jumbo"]).findings
