"""What `ringbed mutate` is told, looked up; what it found, put into figures."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest
from rich.console import Console

from ringbed.cli.errors import Exit, UserError
from ringbed.cli.mutate import run
from ringbed.cli.mutate.results import BAR, row_of, show, write_json
from ringbed.cli.mutate.run import Report, Verdict, choice, subjects
from ringbed.sim.mutate.blocks import FRAME, LATENCY
from ringbed.sim.mutate.netlist import Mutant
from tests.cli.test_main import run as ringbed


def mutant(number: int) -> Mutant:
    return Mutant(number, "inv", "$1", "Y", 0, "[net]", ("hw/rx/parse.py:9",), "-mode inv")


def report(*states: str) -> Report:
    verdicts = {number: Verdict(state, "a test" * (state == "killed")) for number, state in enumerate(states, 1)}
    return Report("parse", {"width": 64}, 19, ["one"], tuple(map(mutant, verdicts)), verdicts)


def test_every_block_of_the_table_has_its_class_and_its_tests() -> None:
    found = subjects("em", list(LATENCY["em"]))
    assert [each.block for each in found] == list(LATENCY["em"])
    for each in found:
        assert each.name in (Path(run.ROOT) / each.tests).read_text(encoding="utf-8")
        assert hasattr(import_module(each.module), each.name)
        assert each.clocks == LATENCY["em"][each.block] + 2 * FRAME


def test_the_arguments_that_most_tests_take_at_the_cards_width() -> None:
    made = {"{'width': 512, 'depth': 8}": 9, "{'width': 64, 'depth': 8}": 3, "{'width': 64, 'depth': 2}": 1}
    assert choice(made) == "{'width': 64, 'depth': 8}"
    assert choice({"{}": 1}) == "{}"
    with pytest.raises(UserError, match="no test makes the block 64 bits wide"):
        choice({"{'width': 512}": 9})


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--block", "parse", "--nic", "none"), "there is no NIC 'none' with blocks to mutate; there is em"),
        (("--block", "parse", "--block", "mac"), "no mutants are made of 'mac'; they are of checksum_rx, "),
        (("--block", "parse", "--json", "none/at/all.json"), "there is no folder none/at"),
    ],
)
def test_what_is_not_there_is_one_sentence(
    words: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ringbed("mutate", *words) == Exit.USAGE
    assert sentence in capsys.readouterr().err


def test_without_the_checkout_there_are_no_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "ROOT", tmp_path)
    assert ringbed("mutate", "--block", "parse") == Exit.ENVIRONMENT
    assert "the tests of the blocks are in ringbed's checkout" in capsys.readouterr().err


def test_equivalent_mutants_do_not_count_and_undecided_ones_do() -> None:
    row = row_of(report("killed", "killed", "killed", "equivalent", "survived", "undecided"), BAR)
    assert (row.id, row.value, row.unit, row.ok) == ("mutate.parse", 60.0, "%", False)
    assert row_of(report("killed", "equivalent"), BAR).ok
    assert (row_of(report("equivalent"), BAR).value, row_of(report("equivalent"), BAR).ok) == (None, False)


def test_survivors_are_listed_with_their_lines(capsys: pytest.CaptureFixture[str]) -> None:
    show(report("killed", "survived", "undecided", "equivalent"), Console(highlight=False))
    shown = capsys.readouterr().out
    assert (
        "parse: 4 mutants, 1 killed, 1 equivalent, 1 survived, 1 undecided in 19 clocks; 33.3 % found by 1 tests"
        in shown
    )
    assert "survived: mutant 2, inv at Y[0] of [net], hw/rx/parse.py:9" in shown
    assert "undecided: mutant 3, inv at Y[0] of [net]" in shown
    assert "mutant 1," not in shown
    assert "mutant 4," not in shown


def test_json_has_rows_and_every_mutant(tmp_path: Path) -> None:
    write_json(tmp_path / "m.json", [report("killed", "survived")])
    shape = json.loads((tmp_path / "m.json").read_text())
    assert [(row["id"], row["value"], row["bar"]) for row in shape["rows"]] == [("mutate.parse", 50.0, ">= 97")]
    (block,) = shape["blocks"]
    assert (block["arguments"], block["clocks"], block["tests"]) == ({"width": 64}, 19, ["one"])
    assert [(each["number"], each["state"], each["by"]) for each in block["mutants"]] == [
        (1, "killed", "a test"), (2, "survived", ""),
    ]  # fmt: skip
    assert block["mutants"][1]["lines"] == ["hw/rx/parse.py:9"]
