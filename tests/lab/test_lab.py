"""The one place for users: every name is there, nothing is loaded before it is asked for, and a wrong name says so."""

from __future__ import annotations

import ast
import builtins
import py_compile
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from ringbed import lab

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", dir(lab))
def test_every_name_is_there(name: str) -> None:
    module = import_module(lab._MODULES[name])
    assert getattr(lab, name) is getattr(module, name)


def test_the_list_is_that_of_the_imports() -> None:
    """Type checkers read the imports, Python the table."""
    text = (ROOT / "lab" / "__init__.py").read_text(encoding="utf-8")
    imports = re.findall(r"^    from (ringbed\.\S+) import (\w+) as (\w+)$", text, re.M)
    assert len(imports) == len(dir(lab)) == text.count("    from ringbed.")
    assert {there: module for module, there, _ in imports} == lab._MODULES
    assert all(there == name for _, there, name in imports)
    assert {"open_host", "open_dut", "open_network", "Collector", "Peer", "Stack", "run_in_cocotb"} <= set(dir(lab))


def test_a_star_brings_our_names_and_nothing_else() -> None:
    found: dict[str, object] = {}
    exec("from ringbed.lab import *", found)
    assert found.keys() - {"__builtins__"} == set(dir(lab)) == set(lab.__all__)


def test_no_source_is_needed(tmp_path: Path) -> None:
    """As from an archive of compiled files."""
    compiled = tmp_path / "lab.pyc"
    py_compile.compile(str(ROOT / "lab" / "__init__.py"), str(compiled), doraise=True)
    spec = spec_from_file_location("lab", compiled)
    assert spec is not None
    assert spec.loader is not None
    alone = module_from_spec(spec)
    spec.loader.exec_module(alone)
    assert alone.open_host is lab.open_host


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


ROOMS = ("hw", "drivers", "stack", "sim", "conformance", "cli")
PARTS = {  # of a class or a part that is in the lab already, or somebody else's of that name
    "docs/cocotb.md": {"Clock"},
    "docs/write-a-driver.md": {"Ring"},
}


def _public(room: str) -> Iterator[str]:
    """Classes and functions that a file of the room offers to other files."""
    for path in (ROOT / room).rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                yield from (str(each.value) for each in ast.walk(node.value) if isinstance(each, ast.Constant))


def _told(text: str) -> set[str]:
    """Classes that prose tells of, in back ticks or in code, and functions that it calls, but for methods."""
    code = [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)]
    return {
        word[1] for each in code for word in re.finditer(r"(?<![\w./-])([A-Za-z_]\w*)(?![\w/-])(\()?", each)
        if word[1] != word[1].lower() or word[2]
    }  # fmt: skip


def test_every_name_that_a_page_tells_of_is_in_the_lab() -> None:
    """Not only what is imported there: a user who is told of a class must be able to have it."""
    public = {name for room in ROOMS for name in _public(room) if not name.isupper()}
    assert {"HostMemory", "open_host", "BuildError"} <= public
    missing = {}
    for page in [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]:
        name = str(page.relative_to(ROOT))
        told = (_told(page.read_text(encoding="utf-8")) & public) - set(dir(lab)) - PARTS.get(name, set())
        classes = {each for each in told if each != each.lower()}
        if classes:
            missing[name] = classes
    assert missing == {}


def test_what_public_functions_raise_and_take_is_in_the_lab() -> None:
    """Those of the lab say so in their docstrings: `Raises BuildError`."""
    assert {"HostMemory", "memory_for", "Event", "Finding", "Settings", "Verdict", "NicSpec", "BuildError"} <= set(
        dir(lab)
    )
    raised = {
        word for name in dir(lab)
        for word in re.findall(r"\b[A-Z]\w*(?:Error|Failed|Missing|Answer|Ended)\b", getattr(lab, name).__doc__ or "")
    } - set(dir(builtins)) - {"CocotbMissing", "QemuMissing"}  # fmt: skip # each is a Missing, which is there
    assert raised - set(dir(lab)) == set()
