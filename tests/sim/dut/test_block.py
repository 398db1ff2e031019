"""A block's map against the ports of its Verilog: what is read, and one sentence for what is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ringbed.hw.formats.blocks import (
    CUT_DONE,
    CUT_LATE,
    CUTS,
    NOISE,
    PAUSES,
    QUIET,
    RESTART,
    WRONGS,
    CommandTiming,
    HashKind,
)
from ringbed.sim.dut.block import BlockReader, block_spec, read_block
from ringbed.sim.seam.portmap import PortMapError

BLOCKS = Path(__file__).parents[3] / "examples" / "third_party" / "blocks"


def edited(tmp_path: Path, name: str, *changes: tuple[str, str]) -> Path:
    """The example's map with changes, beside its Verilog."""
    text = (BLOCKS / f"{name}.toml").read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    for source in BLOCKS.glob("*.v"):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    path = tmp_path / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_fields_are_as_wide_as_their_ports() -> None:
    dut, rtl, ports = read_block(BLOCKS / "tx_checksum.toml")
    assert ports.setup.ports == {"start": 11, "offset": 11, "enable": 1, "udp": 1}
    assert ports.command["start"] == "csum_start"
    assert ports.timing == CommandTiming.FIRST_BEAT
    assert [path.name for path in rtl.files] == ["tx_checksum.v"]
    assert dut.rx is not None
    assert dut.tx is not None


def test_how_long_a_block_may_be_quiet_does_not_make_it_another_model(tmp_path: Path) -> None:
    dut, rtl, ports = read_block(edited(tmp_path, "rx_checksum"))
    slow = read_block(edited(tmp_path, "rx_checksum", ("start = 14", "start = 14\nquiet = 5000")))
    assert (ports.quiet, slow[2].quiet) == (QUIET, 5000)
    assert block_spec(dut, rtl, ports).params == block_spec(*slow).params


def test_a_block_without_streams_has_types_key_and_a_handshake() -> None:
    dut, _, ports = read_block(BLOCKS / "rss_hash.toml")
    assert (dut.rx, dut.tx, ports.timing) == (None, None, CommandTiming.HANDSHAKE)
    assert ports.setup.does(HashKind.IPV6_UDP) == HashKind.IPV6
    assert (ports.setup.code(HashKind.IPV6), len(ports.setup.key)) == (5, 40)


@pytest.mark.parametrize(("name", "lanes"), [("rx_verdict", 1), ("tx_checksum", 8), ("rss_hash", 8)])
def test_a_setup_knows_the_bytes_of_a_beat_and_the_model_is_the_same_whatever_they_are(name: str, lanes: int) -> None:
    ports = read_block(BLOCKS / f"{name}.toml")[2]
    assert ports.setup.lanes == lanes
    assert repr(ports) == repr(replace(ports, setup=replace(ports.setup, lanes=99)))


def test_an_engine_sees_both_streams_and_pins_for_pauses_and_for_what_goes_wrong() -> None:
    spec = block_spec(*read_block(BLOCKS / "rx_checksum.toml"))
    names = {port.name for port in spec.portmap.ports()}
    others = {name for name in names if name[:3] not in ("rx_", "tx_")}
    assert others == {"clk", "rst", *PAUSES.values(), NOISE, RESTART, *CUTS.values(), CUT_LATE, CUT_DONE, *WRONGS}
    assert {"rx_tready", "tx_tready"} <= names


@pytest.mark.parametrize(("name", "change", "sentence"), [
    ("tx_checksum", ('kind = "tx-checksum"', 'kind = "crc"'), "block: there is no kind of block 'crc'; there is tx-"),
    ("tx_checksum", ('offset = "csum_offset"\n', ""), "block: tx-checksum needs a port for offset: "),
    ("tx_checksum", ('start = "csum_start"', 'start = "csum_begin"'), "block.command.start: tx_checksum has no port"),
    ("tx_checksum", ('udp = "csum_udp"', 'ucp = "csum_udp"'), "block: tx-checksum has no command field 'ucp'; it has"),
    ("tx_checksum", ('udp = "csum_udp"', "udp = 1"), "block: command.udp must be the name of a port, not 1"),
    ("tx_checksum", ('udp = "csum_udp"', 'udp = "m_axis_tlast"'), "block.command.udp: port 'm_axis_tlast' is an out"),
    ("tx_checksum", ('udp = "csum_udp"\n', ""), "input 'csum_udp' of tx_checksum is in no stream, command, clock"),
    ("tx_checksum", ('udp = "csum_udp"', 'udp = "csum_udp"\nvalid = "csum_enable"'), "valid and ready go together"),
    ("tx_checksum", ('udp = "csum_udp"', 'udp = ""'), "block: command.udp names no port; leave out what the block has"),
    ("rx_checksum", ('valid = "sum_valid"\n', ""), "block.result: rx-checksum/sum needs a valid"),
    ("rx_checksum", ("start = 14", "begin = 14"), "block: rx-checksum/sum has no option 'begin'"),
    ("rx_checksum", ('variant = "sum"', 'variant = "raw"'), "block: rx-checksum has no variant 'raw'"),
    ("rx_checksum", ("start = 14", "quiet = 0"), "block.quiet must be a number of clocks from 1 up, not 0"),
    ("rss_hash", ('key = "6d', 'key = "6x'), "block: key must be hexadecimal digits, two a byte, not '6x"),
    ("rss_hash", ('key = "6d', 'key = "'), "block: rss-hash/fields needs a key of 40 bytes, not 39"),
    ("rss_hash", ("types =", "key_bits = 416\ntypes ="), "block: rss-hash/fields needs a key of 52 bytes, not 40"),
    ("rss_hash", ("types =", "key_bits = 300\ntypes ="), "block.key_bits must be a multiple of 8 from 320 to 4096"),
    ("rss_hash", ("types =", 'key_bits = "x"\ntypes ='), "block.key_bits must be a multiple of 8 from 320 to 4096"),
    ("rx_checksum", ("start = 14", "key_bits = 416"), "block: rx-checksum/sum has no key"),
    ("segment", ('sums = "kept"', 'sums = "left"'), "block.sums must be kept or pseudo or full, not 'left'"),
    ("rss_hash", ("types = {", "types = 5 # {"), "block.types must be a table, not 5"),
    ("rss_hash", ("ipv6-tcp = 6", "ipv6-tcp = 9"), "block.types: ipv6-tcp, code 9, needs 4 bits of kind; its"),
    ("rx_checksum", ('sum = "sum"', 'sum = "sum"\nready = "sum_valid"'), "block.result: a result has no ready; hold"),
    ("rx_checksum", ("ready = false", "fcs = true"), "wire.rx.fcs: a block's frames have no FCS"),
    ("rx_checksum", ("[wire.rx]", "[pins.sum]\nwidth = 16\n[wire.rx]"), "pins: a block has none; an input that is not"),
    ("rx_checksum", ("[wire.rx]", "[dma]\n[wire.rx]"), "dma: a block has none; an input that is not in its contract"),
    ("rx_checksum", ("[block.result]", "[clocks.rst]\n[block.result]"), "clocks: a block has none; an input that"),
    ("rss_stream", ("types =", "early = 1\ntypes ="), "block.early must be true or false, not 1"),
    ("rx_checksum", ("start = 14", "early = true"), "block: rx-checksum/sum has no option 'early'"),
    ("rx_checksum", ("start = 14", "shortest = -1"), "block.shortest must be a number from 0 up, not -1"),
    ("segment", ("ready = true", "ready = false"), "wire.rx: segment needs a ready, for more comes out than goes in"),
])  # fmt: skip
def test_what_is_wrong_is_one_sentence(tmp_path: Path, name: str, change: tuple[str, str], sentence: str) -> None:
    problems = BlockReader(edited(tmp_path, name, change)).problems
    assert any(sentence in problem for problem in problems), problems


@pytest.mark.parametrize(("name", "change"), [
    ("tx_checksum", ("data_width = 64", 'data_width = "64"')), ("tx_checksum", ('udp = "csum_udp"', 'udp = ""')),
    ("rx_checksum", ('sum = "sum"', 'sum = "summ"')), ("rx_checksum", ('variant = "sum"', 'variant = "raw"')),
    ("tx_checksum", ('enable = "csum_enable"\n', "")), ("rss_hash", ('valid = "valid"', "valid = 1")),
])  # fmt: skip
def test_one_mistake_is_one_sentence(tmp_path: Path, name: str, change: tuple[str, str]) -> None:
    """Not that streams differ in width, nor that ports which the map has in other lines could be tied."""
    problems = BlockReader(edited(tmp_path, name, change)).problems
    assert len(problems) == 1, problems


def test_a_stream_that_the_contract_wants_must_be_there(tmp_path: Path) -> None:
    path = edited(tmp_path, "rx_checksum", ("[wire.rx]", "[wire.tx]"))
    with pytest.raises(PortMapError, match=r"rx_checksum.toml: "):
        read_block(path)
    assert "rx-checksum/sum has a stream in: wire.rx" in BlockReader(path).problems


def test_a_map_without_a_block_is_no_block() -> None:
    with pytest.raises(PortMapError, match=r"no \[block\] in this map"):
        read_block(BLOCKS.parent / "nic" / "mini_nic.toml")
