"""The one shape of figures: bars, what misses them, and the file."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from ringbed.cli.report import Bar, Row, as_object, machine, table, write_json

ROWS = (
    Row("sim.em.loop.64", 4321.7, "frames/s", Bar(">=", 3000)),
    Row("hw.em.tx.64", 13, "clocks", Bar("<=", 12)),
    Row("demo.lost", 0, "frames", Bar("==", 0)),
    Row("sim.em.cycles_per_s", 1.5e6, "clocks/s"),
    Row("sim.em.build_s", None, "s", Bar("<=", 60)),
)


def test_a_row_is_judged_by_its_bar() -> None:
    assert [row.ok for row in ROWS] == [True, False, True, True, False]


@pytest.mark.parametrize(("sign", "values"), [(">=", [9, 10, 11]), ("<=", [11, 10, 9])])
def test_a_bar_takes_its_limit_in(sign: str, values: list[int]) -> None:
    assert [Bar(sign, 10).holds(value) for value in values] == [False, True, True]


def test_another_sign_is_refused() -> None:
    with pytest.raises(ValueError, match="a bar is >=, <= or ==, not '>'"):
        Bar(">", 1)


def test_the_file_has_the_shape(tmp_path: Path) -> None:
    write_json(tmp_path / "rows.json", ROWS)
    read = json.loads((tmp_path / "rows.json").read_text())
    assert read == json.loads(json.dumps(as_object(ROWS)))
    assert list(read) == ["machine", "rows"]
    assert read["rows"][0] == {
        "id": "sim.em.loop.64", "value": 4321.7, "unit": "frames/s", "bar": ">= 3,000", "ok": True,
    }  # fmt: skip
    assert {tuple(row) for row in read["rows"]} == {("id", "value", "unit", "bar", "ok")}


def test_the_machine_is_described() -> None:
    described = machine()
    assert described["cores"] >= 1
    assert described["cpu"]
    assert described["amaranth"].startswith("0.5.")
    assert set(described) == {"cpu", "cores", "os", "python", "ringbed", "amaranth", "verilator"}


def test_the_table_shows_what_missed() -> None:
    shown = io.StringIO()
    Console(file=shown, width=100).print(table("figures", ROWS))
    lines = [line for line in shown.getvalue().splitlines() if "." in line]
    assert ["missed" in line for line in lines] == [False, True, False, False, True]
    assert "4,322" in lines[0]
    assert " - " in lines[4]


def test_a_figures_name_is_whole_whatever_else_a_narrow_screen_has_to_fold() -> None:
    name = "sim.em.loop.64.cocotb-verilator"
    shown = io.StringIO()
    Console(file=shown, width=60).print(table("figures", [Row(name, 299, "frames/s and more", Bar(">=", 3_000_000))]))
    assert name in shown.getvalue()
