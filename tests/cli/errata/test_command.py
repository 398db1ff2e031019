"""`ringbed errata`: every bug is listed and can be shown, as words and as JSON; what there is not is one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ringbed.cli.errors import Exit
from ringbed.hw.errata.erratum import CATEGORIES
from ringbed.hw.errata.lab import EM_ERRATA
from tests.cli.test_main import run

STALL = "tx-stall-32-bytes"


def test_the_list_has_every_bug_under_its_category(capsys: pytest.CaptureFixture[str]) -> None:
    """`ringbed errata list`, and of one NIC, `ringbed errata list --nic em`."""
    assert run("errata", "list") == Exit.OK
    shown = capsys.readouterr().out
    group, seen = "", {}
    for line in shown.splitlines():
        if line.startswith("  "):
            name, _, trigger = line.strip().partition(": ")
            seen[name] = group, trigger
        else:
            group = line.partition(":")[0]
    assert seen == {each.id: (each.category, each.trigger) for each in EM_ERRATA}
    assert run("errata", "list", "--nic", "em") == Exit.OK
    assert capsys.readouterr().out == shown


def test_one_category_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """`ringbed errata list --category stall`"""
    assert run("errata", "list", "--category", "stall") == Exit.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"stall: {CATEGORIES['stall']}"
    assert len(lines) == 1 + sum(each.category == "stall" for each in EM_ERRATA)


def test_all_of_it_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "errata.json"
    assert run("errata", "list", "--json", str(path)) == Exit.OK
    assert STALL in capsys.readouterr().out
    assert json.loads(path.read_text(encoding="utf-8")) == [each.facts() for each in EM_ERRATA]
    assert run("errata", "show", STALL, "--json", "-") == Exit.OK
    found = json.loads(capsys.readouterr().out)
    assert (found["id"], found["taps"], found["category"]) == (STALL, ["tx.checksum"], "hang")
    assert [(each["name"], each["default"]) for each in found["conditions"]] == [("every", 1), ("length", 32)]


def test_one_bug_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    """`ringbed errata show tx-stall-32-bytes`"""
    assert run("errata", "show", STALL) == Exit.OK
    shown = capsys.readouterr().out
    erratum = next(each for each in EM_ERRATA if each.id == STALL)
    for text in (
        erratum.description, erratum.trigger, erratum.source, "tx.checksum", "silicon", "every=1 (times, 16 bits)",
        "length=32 (bytes, 15 bits): of the longest that stops it", "ringbed demo --erratum tx-stall-32-bytes",
    ):  # fmt: skip
        assert text in shown


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["list", "--nic", "e1000"], "there is no lab of a NIC 'e1000'; there is em"),
        (["list", "--category", "weather"], "there is no category 'weather'; there are verdicts, tx_sums, "),
        (["show", "tx-stal"], "the lab has no erratum 'tx-stal'; near it is tx-stall-32-bytes"),
        (["list", "--json", "no/such/folder.json"], "cannot write no/such/folder.json: there is no folder no/such"),
    ],
)
def test_what_there_is_not(line: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("errata", *line) == Exit.USAGE
    assert capsys.readouterr().err.startswith(f"ringbed: {said}")


def test_the_readme_counts_them_as_they_are() -> None:
    """How many, and how many as a real NIC's silicon had them; the changelog's number is the lab's of its day."""
    of_silicon = sum(each.nature == "device" for each in EM_ERRATA)
    said = " ".join((Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8").split())
    assert f"{len(EM_ERRATA)} bugs emulated in RTL" in said
    assert f", {of_silicon} as real NICs had them, the others restated" in said
