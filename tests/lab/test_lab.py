"""The one place for users: every name is there, nothing is loaded before it is asked for, and a wrong name says so."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from ringbed import lab

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", dir(lab))
def test_every_name_is_there(name: str) -> None:
    module, there = lab._places()[name]
    assert getattr(lab, name) is getattr(import_module(module), there)


def test_the_list_is_that_of_the_imports() -> None:
    """Counted from the text, so that a name read wrongly or twice is seen."""
    lines = (ROOT / "lab" / "__init__.py").read_text(encoding="utf-8").splitlines()
    assert sorted(line.split(" as ")[1] for line in lines if line.startswith("    from ringbed.")) == dir(lab)
    assert {"open_host", "open_dut", "open_network", "Collector", "Peer", "Stack", "run_in_cocotb"} <= set(dir(lab))


def test_nothing_is_loaded_until_it_is_asked_for() -> None:
    code = (
        "import sys, ringbed.lab\n"
        "heavy = {'amaranth', 'cocotb', 'numpy', 'ringbed.sim', 'ringbed.stack'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "ringbed.lab.TxFrame\n"
        "assert 'ringbed.drivers.world' in sys.modules and not heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_wrong_name_is_told_the_right_ones() -> None:
    with pytest.raises(AttributeError, match=r"ringbed.lab has no 'open_hots'; it has .*open_host, open_network"):
        lab.open_hots  # noqa: B018
    with pytest.raises(ImportError):
        exec("from ringbed.lab import open_hots")


def _shown() -> list[Path]:
    return sorted([*(ROOT / "examples").rglob("*.py"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"])


@pytest.mark.parametrize("path", _shown(), ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_and_examples_show_no_other_place(path: Path) -> None:
    """What is public is what they show: a script of a user's breaks by no move of a file."""
    text = path.read_text(encoding="utf-8")
    shown = [line.strip() for line in text.splitlines() if line.strip().startswith(("from ringbed", "import ringbed"))]
    assert [line for line in shown if not line.startswith("from ringbed.lab import ")] == []
    for names in re.findall(r"from ringbed\.lab import (?:\(([^)]*)\)|([\w, ]+))", text):
        assert {name.strip() for name in "".join(names).split(",")} - {""} <= set(dir(lab))
