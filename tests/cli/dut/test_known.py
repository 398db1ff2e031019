"""`ringbed dut test --record` and `--expect`: what is known is no failure, what is new is one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ringbed.cli.dut.known import asked_line, read_known, write_known
from ringbed.cli.errors import Exit, UserError
from ringbed.conformance.blocks.case import Finding
from ringbed.conformance.blocks.run import PAUSED, Report
from tests.cli.dut.test_test import BLOCKS, run

LINE = asked_line("tx-checksum", 7, False)
FOUND = [
    Finding("carries", 7, index, "ipv4 tcp", "the sum", "0x0001", got, b"x" * 60, {"start": 34})
    for index, got in ((3, "0x0000"), (4, "0x0000"), (4, "0x0002"))
]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def test_what_was_recorded_is_known_and_another_answer_to_the_same_is_new() -> None:
    write_known(Path("known"), LINE, [FOUND[0], FOUND[1], FOUND[1]])
    known = read_known(Path("known"))
    known.must_be_of(LINE)
    asked = {"carries": 40, "carries" + PAUSED: 40}
    assert known.unknown(Report(7, asked, FOUND)).findings == [FOUND[2]]
    paused = replace(FOUND[0], kind="carries" + PAUSED, pauses="pauses in")
    assert known.unknown(Report(7, asked, [paused])).findings == [paused]
    assert known.told(Report(7, asked, FOUND)) == ["known: 2 of 2 known findings came again"]
    assert known.told(Report(7, asked, FOUND[:1])) == [
        "known: 1 of 2 known findings came again", f"known: did not come again: {FOUND[1]}"
    ]  # fmt: skip


def test_of_a_kind_that_is_not_asked_nothing_is_missed() -> None:
    write_known(Path("known"), LINE, FOUND)
    for asked in ({"pad": 40}, {"carries": 0, "pad": 40}):
        assert read_known(Path("known")).told(Report(7, asked, [])) == ["known: 0 of 3 known findings came again"]


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"carries, seed 7\n", b"\n\n"])
def test_a_file_of_something_else_is_one_sentence(data: bytes) -> None:
    Path("known").write_bytes(data)
    with pytest.raises(UserError, match="known: its first line is not that of a file which --record wrote"):
        read_known(Path("known"))


@pytest.mark.parametrize(("line", "words"), [
    (asked_line("tx-checksum", 8, False), "known has the findings of tx-checksum, seed 7, quick, and not of tx-c.*8"),
    (asked_line("tx-checksum", 7, True), "and not of tx-checksum, seed 7, full"),
    (asked_line("segment", 7, False), "and not of segment, seed 7, quick"),
])  # fmt: skip
def test_what_was_asked_otherwise_is_known_of_nothing(line: str, words: str) -> None:
    write_known(Path("known"), LINE, FOUND)
    with pytest.raises(UserError, match=words):
        read_known(Path("known")).must_be_of(line)


def test_the_command_fails_for_what_is_new_alone(capsys: pytest.CaptureFixture[str]) -> None:
    asked = (str(BLOCKS / "tx_checksum_bcm57xx.toml"), "--kind", "sums of 0")
    assert run(*asked, "--record", "known") == Exit.FINDING
    assert run(*asked, "--expect", "known", "--junit", "out.xml") == Exit.OK
    shown = capsys.readouterr().out
    assert "known: 8 of 8 known findings came again" in shown
    assert "no new findings in 24 cases" in shown
    assert 'failures="0"' in Path("out.xml").read_text()
    lines = Path("known").read_text().splitlines()
    Path("known").write_text("\n".join(lines[:-1]) + "\n")
    assert run(*asked, "--expect", "known") == Exit.FINDING
    assert lines[-1] in capsys.readouterr().out
    assert run(*asked, "--expect", "known", "--seed", "2") == Exit.USAGE
    assert "known has the findings of tx-checksum, seed 1, quick, and not of" in capsys.readouterr().err
    assert run(*asked, "--expect", "nowhere") == Exit.USAGE
    assert "nowhere" in capsys.readouterr().err
