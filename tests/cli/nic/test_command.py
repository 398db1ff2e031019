"""`ringbed nic`: the same tables as the pages, and one sentence for a NIC that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ringbed.cli import main as cli
from ringbed.cli.errors import Exit
from ringbed.hw.formats import em

PORTS = ("clk", "rst", "s_axil_awaddr", "m_axi_rdata", "rx_tdata", "tx_tready", "irq", "link_up", "mac", "idle")


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(["nic", *arguments])
    return 0 if end.value.code is None else int(end.value.code)


def test_list_names_every_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == Exit.OK
    assert capsys.readouterr().out.startswith("em  8086:100e  ")


def test_info_shows_registers_fields_descriptors_and_verdicts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run("info", "em") == Exit.OK
    shown = capsys.readouterr().out
    assert [register.name for register in em.REGISTERS if not re.search(rf" {register.name}[ \[]", shown)] == []
    assert [row.kind for row in em.RX_TABLE if row.kind not in shown] == []
    for part in ("PCI identity", "8086", "Descriptor: TX context", "IPCSE", "31:16"):
        assert part in shown


@pytest.mark.parametrize("line", [["info", "e1000x"], ["verilog", "e1000x", "-o", "-"]])
def test_an_unknown_nic_is_one_sentence(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*line) == Exit.USAGE
    captured = capsys.readouterr()
    assert captured.err == "ringbed: there is no NIC 'e1000x'; there is em\n"
    assert captured.out == ""


def test_verilog_has_the_ports_of_the_port_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verilog", "em", "-o", str(tmp_path / "em.v")) == Exit.OK
    text = (tmp_path / "em.v").read_text()
    top = text[text.index("module em(") :]
    head = top[: top.index(");")]
    assert {name for name in PORTS if name not in head} == set()
    assert f"{text.count(chr(10)):,} lines" in capsys.readouterr().out
    assert run("verilog", "em", "-o", "-") == Exit.OK
    assert capsys.readouterr().out == text


def test_verilog_for_no_folder_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verilog", "em", "-o", str(tmp_path / "no" / "em.v")) == Exit.USAGE
    assert capsys.readouterr().err.endswith(f"there is no folder {tmp_path / 'no'}\n")


def test_verilog_wants_to_know_where(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verilog", "em") == Exit.USAGE
    assert "--output" in capsys.readouterr().err
