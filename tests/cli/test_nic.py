"""`ringbed nic`: the same tables as the pages, and one sentence for a NIC that does not exist."""

from __future__ import annotations

import pytest

from ringbed.cli import main as cli
from ringbed.cli.errors import Exit
from ringbed.hw.formats import em


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
    assert [register.name for register in em.REGISTERS if f" {register.name} " not in shown] == []
    assert [row.kind for row in em.RX_TABLE if row.kind not in shown] == []
    for part in ("PCI identity", "8086", "Descriptor: TX context", "IPCSE", "31:16"):
        assert part in shown


@pytest.mark.parametrize("command", ["info"])
def test_an_unknown_nic_is_one_sentence(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "e1000x") == Exit.USAGE
    captured = capsys.readouterr()
    assert captured.err == "ringbed: there is no NIC 'e1000x'; there is em\n"
    assert captured.out == ""
