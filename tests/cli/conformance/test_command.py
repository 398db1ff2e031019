"""`ringbed conformance`: what it prints, writes and ends with, and what it is asked wrongly in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ringbed.cli.errors import Exit
from ringbed.conformance.nic import em
from ringbed.conformance.nic.claims import EM
from ringbed.conformance.nic.target import Offer
from ringbed.conformance.references import rfc
from tests.cli.test_main import run
from tests.conformance.nic.fake import FakeNic


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeNic], None]:
    """Puts a NIC of a few lines in the card's place."""

    def put(nic: FakeNic) -> None:
        monkeypatch.setattr(em, "em_opener", lambda engine, errata: nic)

    return put


def test_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    """`ringbed conformance list`"""
    assert run("conformance", "list") == Exit.OK
    rows = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert int(rows["checksum"][0].replace(",", "")) > 4000
    assert int(rows["checksum"][1].replace(",", "")) < int(rows["checksum"][0].replace(",", ""))


def test_rules_and_cases_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("conformance", "list", "--rules", "--cases", "--filter", "csum.tx.udp4-zero,csum.tx.sctp*") == Exit.OK
    said = capsys.readouterr().out
    assert "csum.tx.udp4-zero: UDP's sum that comes out as 0 leaves as 0xFFFF (RFC 768), 12" in said
    assert "csum.tx.udp4.zero-sum.0  csum.tx.udp4-zero\n" in said
    assert "csum.tx.sctp.data-1  csum.tx.sctp  not applicable: em does not claim" in said


def test_the_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("conformance", "list", "--json", "-") == Exit.OK
    listed = json.loads(capsys.readouterr().out)
    rows = {row["id"]: row["value"] for row in listed["rows"]}
    assert rows["conf.cases"] == sum(not case.get("why") for case in listed["cases"])
    assert rows["conf.rules"] == len(listed["rules"])


@pytest.mark.needs("native")
def test_the_card_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    """`ringbed conformance run`"""
    assert run("conformance", "run") == Exit.OK
    said = capsys.readouterr().out
    assert "em on native, profile quick, seed 1: " in said
    assert "findings in 0" in said


@pytest.mark.needs("native")
def test_a_filter_a_seed_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ringbed conformance run --filter "csum.tx.udp4*" --seed 7 --json conf.json --junit conf.xml`"""
    monkeypatch.chdir(tmp_path)
    words = ["conformance", "run", "--filter", "csum.tx.udp4*", "--seed", "7", "--json", "conf.json", "--junit"]
    assert run(*words, "conf.xml") == Exit.OK
    told = json.loads((tmp_path / "conf.json").read_text())
    assert told["counts"] == {"holds": len(told["cases"]), "findings": 0, "not applicable": 0}
    assert all(case["rule"].startswith("csum.tx.") for case in told["cases"])
    assert told["rules"]["csum.tx.udp4-zero"]["source"] == "RFC 768"
    suite = ElementTree.parse(tmp_path / "conf.xml").getroot().find("testsuite")
    assert suite is not None
    assert suite.get("tests") == str(len(told["cases"]))
    assert suite.get("failures") == "0"


@pytest.mark.needs("native")
def test_a_card_with_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    """`ringbed conformance run --erratum tx-udp-computed-zero-not-ffff --filter "csum.tx.udp*"`"""
    bug = "tx-udp-computed-zero-not-ffff"
    assert run("conformance", "run", "--erratum", bug, "--filter", "csum.tx.udp*") == Exit.FINDING
    said = capsys.readouterr().out
    assert "csum.tx.udp4-zero: UDP's sum that comes out as 0 leaves as 0xFFFF (RFC 768): " in said
    assert f"again: ringbed conformance run --nic em --erratum {bug} --seed 1 --filter " in said
    assert f"em with {bug} on native, profile quick, seed 1: " in said


def test_an_unknown_bug(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("conformance", "run", "--erratum", "no-such-bug") == Exit.USAGE
    assert "the lab has no erratum 'no-such-bug'" in capsys.readouterr().err


def zero_stays(offer: Offer, frame: bytes) -> tuple[bytes]:
    """A UDP sum of 0 is not sent as 0xFFFF."""
    at = offer.l4_at + 6
    zero = offer.l4 == "udp" and frame[at : at + 2] == b"\xff\xff"
    return (frame[:at] + b"\0\0" + frame[at + 2 :] if zero else frame,)


def test_a_finding_names_the_rule_the_field_and_the_command(
    fake: Callable[[FakeNic], None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fake(FakeNic(on_wire=zero_stays))
    files = ["--json", str(tmp_path / "c.json"), "--junit", str(tmp_path / "c.xml")]
    assert (
        run("conformance", "run", "--seed", "2", "--filter", "csum.tx.udp4.zero*,csum.tx.udp4.len*", *files)
        == Exit.FINDING
    )
    said = capsys.readouterr().out
    assert "csum.tx.udp4-zero: UDP's sum that comes out as 0 leaves as 0xFFFF (RFC 768): 4 cases" in said
    assert "csum.tx.udp4.zero-sum.0: the frame: UDP checksum is 00 00, must be ff ff" in said
    assert "again: ringbed conformance run --nic em --seed 2 --filter csum.tx.udp4.zero-sum.0\n" in said
    told = json.loads((tmp_path / "c.json").read_text())
    failed = [case for case in told["cases"] if case["end"] == "findings"]
    assert {case["rule"] for case in failed} == {"csum.tx.udp4-zero"}
    assert failed[0]["findings"][0]["fields"] == [
        {"name": "UDP checksum", "at": 40, "expected": "ff ff", "got": "00 00"}
    ]
    failure = ElementTree.parse(tmp_path / "c.xml").getroot().find(".//failure")
    assert failure is not None
    assert "again: ringbed conformance run" in str(failure.text)
    capsys.readouterr()
    again = failed[0]["again"].split()[1:]
    assert run(*again) == Exit.FINDING
    assert "1 case: 0 hold, findings in 1" in capsys.readouterr().out


def test_files_are_the_same_each_time_but_for_the_figures(fake: Callable[[FakeNic], None], tmp_path: Path) -> None:
    fake(FakeNic(on_wire=zero_stays))
    seen = []
    for name in ("a", "b"):
        run("conformance", "run", "--json", str(tmp_path / name), "--junit", str(tmp_path / f"{name}.xml"))
        told = json.loads((tmp_path / name).read_text())
        del told["rows"]
        seen.append((told, (tmp_path / f"{name}.xml").read_bytes()))
    assert seen[0] == seen[1]


def test_rows_say_what_was_measured(fake: Callable[[FakeNic], None], capsys: pytest.CaptureFixture[str]) -> None:
    fake(FakeNic())
    assert run("conformance", "run", "--suite", "checksum", "--json", "-") == Exit.OK
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows["conf.rate"]["value"] > 0
    assert "conf.quick_s" not in rows  # not the whole profile
    assert rows["conf.cases"]["bar"] is None


def test_opinions_that_differ_are_a_broken_suite(
    fake: Callable[[FakeNic], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(FakeNic())
    monkeypatch.setattr(rfc, "ones_field", lambda total: 0x1234)
    assert run("conformance", "run", "--filter", "csum.tx.udp4.len-60") == Exit.USAGE
    assert "scapy has" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(["--nic", "ne2000"], "there is no NIC 'ne2000'; there is em"),
     (["--suite", "sums"], "there is no suite 'sums'"),
     (["--filter", "nothing.*"], "no case is called 'nothing.*'"),
     (["--json", "no/folder/x.json"], "there is no folder no/folder")],
)  # fmt: skip
@pytest.mark.parametrize("command", ["run", "list"])
def test_a_wrong_wish_is_one_sentence(
    command: str, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("conformance", command, *words) == Exit.USAGE
    assert sentence in capsys.readouterr().err


def test_em_says_what_it_cannot_do_with_a_section_or_a_reason() -> None:
    assert all(reason for reason in EM.lacks.values())
