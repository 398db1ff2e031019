"""Inputs of a bus that a map holds as if they were explained: incomplete. What a person means is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbed.sim.dut.block import BlockReader
from ringbed.sim.dut.findings import silent_ties
from ringbed.sim.dut.map import Reader
from ringbed.sim.dut.verilog.ports import Top
from tests.sim.dut.test_guess import listed

RX = ("<in_tdata:32", "<in_tvalid", "<in_tlast", "<in_tempty:2", ">in_tready")
TX = (">out_tdata:8", ">out_tvalid", ">out_tlast", "<out_tready")
APB = ("<psel", "<penable", "<pwrite", "<paddr:8", "<pwdata:32", ">prdata:32")
HEAD = 'top = "t"\nsources = ["t.v"]\nclock = "clk"\n'
RX_MAP = '[wire.rx]\nprefix = "in_"\ndata_width = 32\nkeep = "empty"\n'
APB_TIES = "psel = 0\npenable = 0\npwrite = 0\npaddr = 0\npwdata = 0\n"


def sentences(folder: Path, ports: tuple[str, ...], text: str, kind: type[Reader] = Reader) -> list[str]:
    path = folder / "t.toml"
    path.with_name("t.v").touch()
    path.write_text(HEAD + text)
    reader = kind(path, ask=lambda *_: Top(listed("<clk", *ports)))
    assert reader.problems == []
    return list(silent_ties(reader))


@pytest.mark.parametrize("name", ["in_tstart", "in_sop", "in_startofpacket"])
def test_a_start_that_is_held(tmp_path: Path, name: str) -> None:
    found = sentences(tmp_path, (*RX, f"<{name}"), f"{RX_MAP}[ties]\n{name} = 0\n")
    assert found == [f"ties.{name}: it is tstart of wire.rx, held at 0: start = true in [wire.rx]"]


def test_bytes_that_count_are_held(tmp_path: Path) -> None:
    text = RX_MAP.replace("32", "8").replace("empty", "none")
    ports = ("<in_tdata:8", *RX[1:3], "<in_tkeep", RX[4])
    assert sentences(tmp_path, ports, f"{text}[ties]\nin_tkeep = 0\n") == [
        'ties.in_tkeep: it is tkeep of wire.rx, held at 0: keep = "keep" in [wire.rx]'
    ]


@pytest.mark.parametrize(("value", "count"), [(0, 1), (1, 0)])
def test_a_ready_at_1_is_a_word(tmp_path: Path, value: int, count: int) -> None:
    text = f'[wire.tx]\nprefix = "out_"\ndata_width = 8\nkeep = "none"\nready = false\n[ties]\nout_tready = {value}\n'
    assert len(sentences(tmp_path, TX, text)) == count


def test_errors_ids_and_other_things_beside_a_stream_are_a_persons_word(tmp_path: Path) -> None:
    ties = "in_tuser = 0\nin_tid = 0\nin_tdest = 0\n"
    assert sentences(tmp_path, (*RX, "<in_tuser:4", "<in_tid:4", "<in_tdest:4"), f"{RX_MAP}[ties]\n{ties}") == []


def test_a_bus_that_is_in_no_table(tmp_path: Path) -> None:
    (found,) = sentences(tmp_path, (*RX, *APB), f"{RX_MAP}[ties]\n{APB_TIES}")
    assert found.startswith("ties.paddr ...: these ports look like apb, and the map has no [registers]")


def test_a_bus_that_is_left_out_on_purpose(tmp_path: Path) -> None:
    text = f'{RX_MAP}[registers]\nkind = "none"\n[ties]\n{APB_TIES}'
    assert sentences(tmp_path, (*RX, *APB), text) == []


def test_a_second_stream_is_a_persons_word(tmp_path: Path) -> None:
    ports = (*RX, *(name.replace("in_", "in2_") for name in RX))
    ties = "in2_tdata = 0\nin2_tvalid = 0\nin2_tlast = 0\nin2_tempty = 0\n"
    assert sentences(tmp_path, ports, f"{RX_MAP}[ties]\n{ties}") == []


def test_a_block_has_no_registers_to_miss(tmp_path: Path) -> None:
    text = ('[block]\nkind = "rx-checksum"\n[block.result]\nsum = "sum"\nvalid = "v"\n'
            f"{RX_MAP}[ties]\n{APB_TIES}")  # fmt: skip
    assert sentences(tmp_path, (*RX, *APB, ">sum:16", ">v"), text, BlockReader) == []
