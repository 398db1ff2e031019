"""Guessed maps: read back, they are the ports they were guessed from; what is not whole gets a word and no table."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ringbed.hw.formats.blocks import CONTRACTS, Block, Contract, contract
from ringbed.hw.formats.dut import IN, OUT, Bus, BusKind, Dut, Keep
from ringbed.sim.dut.block import BlockReader
from ringbed.sim.dut.guess import Guess
from ringbed.sim.dut.guess_block import BlockGuess
from ringbed.sim.dut.map import Reader, read
from ringbed.sim.dut.names import forms
from ringbed.sim.dut.verilog.ports import Top, module_ports
from ringbed.sim.memory.host import LEAST_ADDR_WIDTH
from ringbed.sim.seam.portmap import Port
from ringbed.sim.seam.spec import Rtl
from tests.sim.conftest import needs_native

THIRD_PARTY = Path(__file__).parents[3] / "examples" / "third_party"
WIDTHS = st.sampled_from((8, 16, 32, 64, 128, 256, 512))


def read_back(
    guess: Guess, ports: Mapping[str, Port], kind: type[Reader] = Reader, edit: Callable[[str], str] = str
) -> Reader:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.toml"
        (path.parent / "t.v").touch()
        path.write_text(edit(guess.text(["t.v"])))
        return kind(path, ask=lambda *_: Top(ports))


def uncommented(text: str) -> str:
    """The map with every line that is TOML once its # is away."""
    lines = []
    for line in text.splitlines():
        bare = line.removeprefix("# ")
        try:
            lines.append(bare if bare != line and tomllib.loads(bare) else line)
        except tomllib.TOMLDecodeError:
            lines.append(line)
    return "\n".join(lines) + "\n"


def spellings(port: Port) -> int:
    return len(set(forms(port.name)))


def spelled(name: str, way: str, style: str) -> str:
    return {"plain": name, "upper": name.upper(), "suffix": f"{name}_{way[0]}"}[style]


@st.composite
def buses(draw: st.DrawFn, kind: str, into: bool = False) -> Bus:
    """One whose ports are all there, but for some of those that need not be."""
    stream, registers = kind == BusKind.STREAM, kind in BusKind.REGISTERS
    keep = draw(st.sampled_from(Keep.ALL)) if stream else Keep.KEEP
    bus = Bus(
        kind, 32 if registers else 8 if keep == Keep.NONE else draw(WIDTHS.filter(lambda bits: bits > 8)),
        addr_width=0 if stream else draw(st.integers(1, 32) if registers else st.integers(LEAST_ADDR_WIDTH, 64)),
        id_width=draw(st.integers(1, 16)) if kind == BusKind.AXI else 0,
        into=into, keep=keep, ready=draw(st.booleans()) if stream else True, error=into and draw(st.booleans()),
    )  # fmt: skip
    prefix = draw(st.sampled_from(("", "a_", "x_rx_", "b_", "m_axi_")))
    style = draw(st.sampled_from(("plain", "upper", "suffix")))
    if into:
        prefix += "in_"
    there = [sig for sig in bus.signals() if sig.default is None or draw(st.booleans())]
    if bus.id_width and not any(sig.name in ("arid", "awid") for sig in there):
        bus = replace(bus, id_width=0)
        there = [sig for sig in there if sig.name not in ("rid", "bid")]
    return replace(bus, ports={sig.name: spelled(prefix + sig.name, sig.dir, style) for sig in there})


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(BusKind.REGISTERS).flatmap(buses), st.sampled_from(BusKind.DMA).flatmap(buses),
    buses(BusKind.STREAM, into=True), buses(BusKind.STREAM), st.booleans(),
)  # fmt: skip
def test_read_back_it_is_the_card_it_came_from(registers: Bus, dma: Bus, rx: Bus, tx: Bus, low: bool) -> None:
    reset = "rst_n" if low else "rst"
    ports = [Port("clk", 1, IN), Port(reset, 1, IN), Port("irq_o", 3, OUT), Port("mode", 5, IN), Port("led", 2, OUT)]
    for bus in (registers, dma, rx, tx):
        ports += [Port(bus.ports[sig.name], sig.width, sig.dir) for sig in bus.signals() if sig.name in bus.ports]
    by_name = {port.name: port for port in ports}
    assume(len({form for port in ports for form in set(forms(port.name))}) == sum(map(spellings, ports)))
    found = read_back(Guess("t", by_name), by_name)
    assert found.problems == []
    assert (found.dut.registers, found.dut.dma, found.dut.rx, found.dut.tx) == (registers, dma, rx, tx)
    assert [(each.port, each.active_high) for each in found.dut.resets] == [(reset, not low)]
    assert found.dut.line is not None
    assert (found.dut.line.port, found.dut.line.width) == ("irq_o", 3)
    assert found.dut.ties == {"mode": (5, 0)}
    assert [pin.name for pin in found.dut.pins] == ["led"]


@needs_native
def test_the_example_nic() -> None:
    """All of its hand-written map but what names cannot tell."""
    path = THIRD_PARTY / "nic" / "mini_nic.toml"
    ports = module_ports("mini_nic", Rtl((path.parent / "mini_nic.v",)), {})
    known, _ = read(path)
    found = read_back(Guess("mini_nic", ports), ports).dut
    assert found.rx is not None
    assert found.tx is not None
    rx, tx = (replace(bus, big=True, fcs=False) for bus in (found.rx, found.tx))
    assert replace(found, rx=rx, tx=tx, parameters=known.parameters) == known


@needs_native
@pytest.mark.parametrize("name", ["tx_checksum", "rx_checksum", "rss_hash", "segment"])
def test_the_example_blocks(name: str) -> None:
    path = THIRD_PARTY / "blocks" / f"{name}.toml"
    known = BlockReader(path)
    assert known.block is not None
    found = read_back(BlockGuess(name, known.ports, known.block.setup.contract), known.ports, BlockReader)
    assert isinstance(found, BlockReader)
    assert found.problems == []
    assert found.block is not None
    assert (found.block.command, found.block.result) == (known.block.command, known.block.result)
    assert same_buses(found.dut, known.dut)


def same_buses(one: Dut, other: Dut) -> bool:
    return (one.rx, one.tx, one.clock, one.resets) == (other.rx, other.tx, other.clock, other.resets)


def listed(*names: str) -> dict[str, Port]:
    """`<name` is an input; `>name:8` an output of 8 bits."""
    found = {}
    for each in names:
        name, _, width = each[1:].partition(":")
        found[name] = Port(name, int(width or 1), IN if each[0] == "<" else OUT)
    return found


@pytest.mark.parametrize(
    ("ports", "line"),
    [
        (("<paddr:8", "<psel", "<pwrite", "<pwdata:32", ">prdata:32"),
         "# registers: the ports paddr ... look like apb and lack penable"),
        (("<s_tdata:24", "<s_tvalid", "<s_tlast"),
         "# wire.rx: the ports s_tdata ... look like axi4-stream and have a width that is not driven: tdata of 24"),
        (("<s_tdata:64", "<s_tvalid", "<s_tlast", "<rx_tdata:64", "<rx_tvalid", "<rx_tlast"),
         "# wire.rx could also be the axi4-stream of the ports s_tdata ..."),
        (("<cyc", "<stb", "<we", "<adr:4", "<dat_i:32", ">dat_o:32", ">ack"),
         "# word_addressed = true  # where adr counts words"),
        (("<go",), 'clock = ""  # no input is called like a clock: its name'),
        (("<clk", "<phy_clk"), "[clocks.phy_clk]"),
        (("<clk", "<rst", "<phy_rst_n"), "[resets.phy_rst_n]"),
        (("<clk", "<nreset"), 'reset = { port = "nreset", active = "low" }'),
    ],
)  # fmt: skip
def test_what_is_not_plain_gets_a_line(ports: tuple[str, ...], line: str) -> None:
    assert line in Guess("t", listed(*ports)).text(["t.v"]).splitlines()


@pytest.mark.parametrize(
    ("ports", "resets"),
    [
        (("<clk", "<mac_clk", "<rst_n", "<mac_rst_n"), [("rst_n", ""), ("mac_rst_n", "mac_clk")]),
        (("<clk", "<mac_clk", "<mac_rst_n", "<rst_n"), [("rst_n", ""), ("mac_rst_n", "mac_clk")]),
        (("<sys_clk_i", "<clk_phy", "<sys_rst_i", "<nrst_phy"), [("sys_rst_i", ""), ("nrst_phy", "clk_phy")]),
        (("<clk", "<macclk", "<macresetn"), [("macresetn", "macclk")]),
        (("<s_aclk", "<m_aclk", "<s_aresetn", "<m_aresetn"), [("s_aresetn", ""), ("m_aresetn", "m_aclk")]),
        (("<clk", "<mac_clk", "<rst", "<por_rst"), [("rst", ""), ("por_rst", "")]),
    ],
)
def test_a_reset_is_of_the_clock_that_is_called_so(ports: tuple[str, ...], resets: list[tuple[str, str]]) -> None:
    by_name = listed(*ports)
    found = read_back(Guess("t", by_name), by_name)
    assert found.problems == []
    assert [(reset.port, reset.clock) for reset in found.dut.resets] == resets


def test_an_address_of_all_bits_counts_no_words() -> None:
    """A line that a map would be refused with is not suggested."""
    wishbone = "<cyc", "<stb", "<we", "<adr:32", "<dat_i:32", ">dat_o:32", ">ack"
    assert "word_addressed" not in Guess("t", listed(*wishbone)).text(["t.v"])


def test_a_wire_is_taken_by_its_name() -> None:
    guess = Guess("t", listed("<s_tdata:64", "<s_tvalid", "<s_tlast", "<rx_tdata:64", "<rx_tvalid", "<rx_tlast"))
    assert guess.buses["wire.rx"].prefix == "rx_"


def test_other_words_of_streams() -> None:
    guess = Guess("t", listed("<rx_data:32", "<rx_valid", "<rx_endofpacket", "<rx_empty:2", ">rx_ready", "<rx_error"))
    bus = guess.buses["wire.rx"].bus
    assert (bus.data_width, bus.keep, bus.ready, bus.error) == (32, Keep.EMPTY, True, True)


@pytest.mark.parametrize("word", ["sop", "startofpacket", "sof", "first", "tstart"])
def test_a_start_of_packets_is_a_signal_of_its_stream(word: str) -> None:
    ports = listed("<clk", "<rx_data:8", "<rx_valid", "<rx_eop", f"<rx_{word}")
    found = read_back(Guess("t", ports), ports)
    assert found.problems == []
    assert found.dut.rx is not None
    assert (found.dut.rx.start, found.dut.rx.ports["tstart"]) == (True, f"rx_{word}")


STREAM = ("<clk", "<rst", "<s_axis_tdata:64", "<s_axis_tkeep:8", "<s_axis_tvalid", "<s_axis_tlast", ">s_axis_tready")


@pytest.mark.parametrize("ports", [
    pytest.param((*STREAM, "<s_axis_tuser:8", "<s_axis_tid:4", "<s_axis_tdest:4"), id="a-bit-of-tuser-a-byte"),
    pytest.param((*STREAM, "<s_axis_tstart:2"), id="two-starts"),
    pytest.param(tuple(name.replace("s_axis_", "s_axis.") for name in (*STREAM, "<s_axis_tuser:17")), id="escaped"),
    pytest.param(("<clk", "<psel", "<penable", "<pwrite", "<paddr:8", "<pwdata:32", ">prdata:32"), id="all-there"),
    pytest.param(("<clk", *(f"{name[0]}s_apb_{name[1:]}" for name in (
        "<psel", "<penable", "<pwrite", "<paddr:8", "<pwdata:32", ">prdata:32", "<pstrb:8", "<pprot:5", "<pwakeup"))),
        id="odd-strobes"),
    pytest.param(("<clk", *(f"{name[0]}s_{name[1:]}" for name in ("<tdata:24", "<tvalid", "<tlast"))), id="odd-data"),
])  # fmt: skip
def test_an_input_beside_a_bus_is_never_held_silently(ports: tuple[str, ...]) -> None:
    """What has another shape costs itself alone, and the map is incomplete until somebody has looked at it."""
    by_name = listed(*ports)
    guess = Guess("t", by_name)
    found = read_back(guess, by_name)
    assert found.dut.ties == {}
    strange = [name for name in by_name if name not in found.used and by_name[name].dir == IN]
    assert [problem.split("'")[1] for problem in found.problems] == strange
    assert bool(guess.buses) == ("<s_tdata:24" not in ports)
    again = read_back(guess, by_name, edit=uncommented)
    assert list(again.dut.ties) == strange
    assert again.problems == []


def test_an_output_of_another_shape_costs_its_bus() -> None:
    """What it says would be lost: a burst length of AXI3, or a tkeep of words."""
    ports = listed(*STREAM[:3], "<s_axis_tkeep:2", *STREAM[4:])
    guess = Guess("t", ports)
    assert "wire.rx" not in guess.buses
    assert guess.notes == [
        "wire.rx: the ports s_axis_tdata ... look like axi4-stream and have a width that is not driven: tkeep of 2"
    ]


def test_a_card_of_many_outputs_has_a_short_map() -> None:
    ports = listed("<clk", "<rst", *(f">out_{index}:8" for index in range(600)))
    text = Guess("t", ports).text(["t.v"])
    assert len(text.splitlines()) < 20
    assert "# 600 outputs stay open: out_0, out_1, out_2, out_3, out_4, out_5 ...; a test reads one with" in text
    assert [pin.name for pin in read_back(Guess("t", ports), ports, edit=uncommented).dut.pins] == ["out_0"]


@pytest.mark.parametrize("name", ["s_axis.data", "a$b", "switch", "x[3]", 'quo"te', "back\\slash", "new\nline"])
def test_every_name_reads_back(name: str) -> None:
    """As a tie, a pin, a clock, a reset: TOML has keys and texts for all of them."""
    way = {
        f"{name}_o": "<",
        name: ">",
        f"{name}_clk": "<",
        f"{name}_rst": "<",
        f"{name}_rst2": "<",
        f"{name}_clk2": "<",
    }
    ports = listed("<clk", "<rst", *(f"{sign}{each}" for each, sign in way.items()))
    data = tomllib.loads(Guess("t", ports).text([name], [name], [name], {name: name}))
    assert (data["sources"], data["include"], data["library"], data["parameters"]) == (
        [name],
        [name],
        [name],
        {name: name},
    )
    assert (set(data["ties"]), set(data["pins"])) == ({f"{name}_o"}, {name})
    assert set(data["clocks"]) == {f"{name}_clk", f"{name}_clk2"}
    assert set(data["resets"]) == {f"{name}_rst", f"{name}_rst2"}


EXTRAS = ("<scan", "<mode:5", "<clk_b", "<psel", "<penable", "<pwrite", "<paddr:8", "<pwdata:32", ">prdata:32", ">irq",
          ">level:7", "<aux_rst_n")  # fmt: skip


THERE = [
    (kind, handshake, ready)
    for kind in CONTRACTS for handshake in (True, False) for ready in ("both", "in", "out", "none")
    if (kind.stream_in or handshake) and (kind.block != Block.SEGMENT or ready in ("both", "in"))
]  # fmt: skip


@pytest.mark.parametrize(("kind", "handshake", "ready"), THERE)
@pytest.mark.parametrize("odd", [True, False], ids=["odd-names", "plain-names"])
def test_every_kind_of_block_has_a_map_that_fits_once_uncommented(
    kind: Contract, odd: bool, handshake: bool, ready: str
) -> None:
    """Under any names, with or without a ready of its streams, beside ports that a block has no use for."""
    names = ["<clk", "<rst", *EXTRAS, *(["<secret:320"] if kind.key else [])]
    for way, layout in (("<", kind.command), (">", kind.result)):
        fields = layout.fields if layout else ()
        names += [f"{way}{f'{field.name[0]}x{field.lsb}' if odd else field.name}:{field.width}" for field in fields]
    if kind.command and handshake:
        names += ["<c_vld", ">c_take" if odd else ">c_ready"]
    names += [">r_there" if odd else ">r_valid"] if kind.result else []
    names += ["<i_tdata:64", "<i_tkeep:8", "<i_tvalid", "<i_tlast"] if kind.stream_in else []
    names += [">o_tdata:64", ">o_tkeep:8", ">o_tvalid", ">o_tlast"] if kind.stream_out is not False else []
    names += [">i_tready"] if kind.stream_in and ready in ("both", "in") else []
    names += ["<o_tready"] if kind.stream_out is not False and ready in ("both", "out") else []
    ports = listed(*names)
    guess = BlockGuess("t", ports, kind)
    found = read_back(guess, ports, BlockReader, uncommented)
    assert found.problems == []
    assert isinstance(found, BlockReader)
    assert found.block is not None
    assert bool(found.block.command_valid) == bool(kind.command and handshake)
    assert odd or all(name == port for name, port in (*found.block.command.items(), *found.block.result.items()))


def test_a_port_that_fits_as_well_is_named_and_where_it_is() -> None:
    text = BlockGuess("t", listed("<clk", "<c_do", "<scan"), contract("tx-checksum")).text(["t.v"])
    assert '# enable = "c_do"  # a guess by its width, or scan (then out of ties); 1 bit: 0: the' in text
    assert "scan = 0" in text.splitlines()


def test_a_block_whose_stream_in_has_no_ready_has_one_held_out() -> None:
    ports = listed("<clk", "<rst", "<start:8", "<offset:8", "<enable", "<i_tdata:8", "<i_tvalid", "<i_tlast",
                   ">o_tdata:8", ">o_tvalid", ">o_tlast", "<o_tready")  # fmt: skip
    found = read_back(BlockGuess("t", ports, contract("tx-checksum")), ports, BlockReader)
    assert found.problems == []
    assert found.dut.tx is not None
    assert not found.dut.tx.ready
    assert found.dut.ties == {"o_tready": (1, 1)}


def test_a_field_without_a_port_is_left_open_with_its_meaning() -> None:
    text = BlockGuess("t", listed("<clk", "<rst", "<start:8"), contract("tx-checksum")).text(["t.v"])
    assert 'start = "start"' in text.splitlines()
    assert '# enable = ""  # 1 bit: 0: the frame leaves as it came' in text.splitlines()


FIELDS = ("<clk", "<rst", "<q_axis_tdata:8", "<q_axis_tvalid", "<q_axis_tlast", ">p_axis_tdata:8", ">p_axis_tvalid",
          ">p_axis_tlast")  # fmt: skip


@pytest.mark.parametrize(("names", "taken"), [
    (("<csum_start:16", "<csum_offset:16", "<csum_enable"), {"start", "offset", "enable"}),
    (("<cmd_start_i:16", "<i_cmd_offset:16", "<enable_i"), {"start", "offset", "enable"}),
    (("<q_hdr_start:16", "<q_hdr_offset:16", "<q_hdr_enable"), {"start", "offset", "enable"}),
    (("<s_ip_fragment_offset:13", "<csum_start:16"), {"start"}),
    (("<restart", "<mystart:16", "<scan_enable", "<ip_hdr_offset:8"), set()),
])  # fmt: skip
def test_a_part_of_a_name_is_no_field(names: tuple[str, ...], taken: set[str]) -> None:
    guess = BlockGuess("t", listed(*FIELDS, *names), contract("tx-checksum"))
    assert set(guess.fields["command"]) == taken


@pytest.mark.parametrize(("ports", "port", "bits"), [
    (("<hash_key:416",), "hash_key", 416), (("<secret:320",), "secret", 320), (("<wide:416",), "", 320),
    (("<data:320", "<rss_key:320"), "rss_key", 320), (("<key:300",), "", 320), (("<key:321",), "", 320),
])  # fmt: skip
def test_a_key_is_as_long_as_its_port(ports: tuple[str, ...], port: str, bits: int) -> None:
    by_name = listed("<clk", "<rst", *(f"<{name}" for name in ("src:128", "dst:128", "sport:16", "dport:16", "kind:4")),
                     "<valid", ">ready", ">hash:32", ">hash_valid", *ports)  # fmt: skip
    found = read_back(
        BlockGuess("t", by_name, contract("rss-hash/fields".split("/")[0], "fields")), by_name, BlockReader
    )
    assert found.problems == []
    assert isinstance(found, BlockReader)
    assert found.block is not None
    assert (found.block.key_port, len(found.block.setup.key)) == (port, bits // 8)
