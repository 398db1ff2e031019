"""`ringbed nic test`, `stats` and `registers`: what a running card says, in a table and in JSON, and when it is 1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ringbed.cli import main as cli
from ringbed.cli.errors import Exit
from ringbed.drivers.em.selftest import OfflineTest
from ringbed.hw.formats import em
from ringbed.sim.native.engine import NativeEngine

CHECKS = ["link", "registers", "eeprom", "phy", "interrupt", "mac loopback", "phy loopback"]


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(["nic", *arguments])
    return 0 if end.value.code is None else int(end.value.code)


def rows(capsys: pytest.CaptureFixture[str], *arguments: str, code: Exit = Exit.OK) -> dict[str, dict[str, Any]]:
    """The rows of `--json -` by the last part of their id, the command having ended with `code`."""
    assert run(*arguments, "--json", "-") == code
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["machine", "rows"]
    return {row["id"].rpartition(".")[2]: row for row in found["rows"]}


@pytest.mark.parametrize("engine", ["native", pytest.param("pysim", marks=pytest.mark.full)])
def test_every_check_passes(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys, "test", "em", "--engine", engine)
    assert [(name, row["value"], row["ok"], row["detail"]) for name, row in found.items()] == [
        (name, 1, True, "") for name in CHECKS
    ]


def test_a_failed_check_says_what_was_seen_and_ends_with_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OfflineTest, "_phy", lambda self: "the PHY says [0000]")
    assert run("test", "em") == Exit.FINDING
    shown = capsys.readouterr().out
    assert [line.split()[-5:] for line in shown.splitlines() if "failed" in line] == [
        ["failed", "the", "PHY", "says", "[0000]"]
    ]
    assert shown.count("passed") == len(CHECKS) - 1
    found = rows(capsys, "test", "em", code=Exit.FINDING)
    assert [name for name, row in found.items() if not row["ok"]] == ["phy"]
    assert found["phy"]["detail"] == "the PHY says [0000]"


def test_online_leaves_the_card_to_its_users(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(rows(capsys, "test", "em", "--online")) == ["link", "eeprom"]


@pytest.mark.qemu
def test_the_model_of_qemu_fails_where_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys, "test", "em", "--engine", "qemu", code=Exit.FINDING)
    assert {name for name, row in found.items() if not row["ok"]} == {"registers", "mac loopback"}
    counts = rows(capsys, "stats", "em", "--engine", "qemu")
    assert (counts["rx_packets"]["value"], counts["tx_packets"]["value"]) == (32, 32)


def test_statistics_count_what_was_sent(capsys: pytest.CaptureFixture[str]) -> None:
    one, two = (rows(capsys, "stats", "em", "--frames", "40", "--seed", seed) for seed in ("1", "2"))
    for found in (one, two):
        assert found["rx_packets"]["value"] == found["tx_packets"]["value"] == 40
        for way in ("rx", "tx"):  # 64 to 1518 with FCS
            assert 40 * 64 < found[f"{way}_bytes"]["value"] < 40 * 1518
    assert one == rows(capsys, "stats", "em", "--frames", "40")
    assert one["rx_bytes"] != two["rx_bytes"]


def test_counters_of_nought_are_shown_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("stats", "em", "--frames", "3") == Exit.OK
    few = capsys.readouterr().out
    assert run("stats", "em", "--frames", "3", "--all") == Exit.OK
    every = capsys.readouterr().out
    names = rows(capsys, "stats", "em", "--frames", "0")
    assert [name for name in names if name not in every] == []
    assert "rx_packets" in few
    assert len(few.splitlines()) < len(names)


def test_registers_by_name_with_their_fields(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "registers.json"
    assert run("registers", "em", "rdlen", "RCTL", "RDLEN", "--json", str(path)) == Exit.OK
    shown = capsys.readouterr().out
    length, control = json.loads(path.read_text())["rows"]
    assert (length["id"], length["value"], length["offset"]) == ("nic.em.registers.RDLEN", 4096, 0x2808)
    assert control["fields"] == em.REGISTERS["RCTL"].unpack(control["value"])
    assert control["fields"]["EN"] == 1
    assert " 02808    RDLEN      00001000 " in shown
    assert f"{control['value']:08x}" in shown


def test_all_registers_and_traffic_moved_the_heads(capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys, "registers", "em", "--frames", "20")
    assert {"CTRL", "STATUS", "RCTL", "TCTL", "RAL[0]"} <= found.keys()
    assert found["TDH"]["value"] == found["TDT"]["value"] == found["RDH"]["value"] == 20


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (["test", "e1000x"], "there is no NIC 'e1000x'; there is em"),
        (["stats", "e1000x"], "there is no NIC 'e1000x'; there is em"),
        (["registers", "em", "FOO", "RCTL"], "em has no register FOO; `ringbed nic info em` lists them"),
        (["registers", "em", "GPRC"], "GPRC cannot be looked at: it is a statistic, or can only be written"),
        (["stats", "em", "--json", "/nowhere/x"], "cannot write /nowhere/x: there is no folder /nowhere"),
    ],
)
def test_what_is_refused_is_one_sentence(line: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*line) == Exit.USAGE
    assert capsys.readouterr().err == f"ringbed: {sentence}\n"


@pytest.mark.parametrize("command", ["stats", "registers"])
@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda wire: [(at, data[:-1] + b"!") for at, data in wire], "a frame arrived changed, or out of order"),
        (lambda wire: wire[:-1], "of 4 frames each way, 4 were received and"),
    ],
)
def test_a_frame_lost_or_changed_ends_with_1(
    command: str, broken: Any, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = NativeEngine.wire_out
    monkeypatch.setattr(NativeEngine, "wire_out", lambda self: broken(whole(self)))
    assert run(command, "em", "--engine", "native", "--frames", "4") == Exit.FINDING
    assert said in " ".join(capsys.readouterr().out.split())
