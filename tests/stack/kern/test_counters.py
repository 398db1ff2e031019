"""Counters print as netstat does, count drops by cause, and are counted in one step."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import ringbed.stack
from ringbed.stack.kern.counters import Counter, Group


def test_the_line_is_singular_for_one() -> None:
    counter = Counter("total packet{s} received")
    lines = []
    for value in (0, 1, 2):
        counter.value = value
        lines.append(str(counter))
    assert lines == ["0 total packets received", "1 total packet received", "2 total packets received"]


def test_drops_are_those_that_happened() -> None:
    group = Group("g")
    fine, bad, worse = group.counter("fine"), group.drop("bad{s}"), group.drop("worse")
    fine.value, worse.value = 1, 2
    assert group.drops() == {"worse": 2}
    bad.value = 1
    assert group.drops() == {"bads": 1, "worse": 2}
    assert group.counters == [fine, bad, worse]


FILES = [path for folder in ringbed.stack.__path__ for path in sorted(Path(folder).rglob("*.py"))]
ALONE = {("packet.py", "self.length")}  # of what one thread makes, and nobody else has yet


def steps(path: Path) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each `a.b += c` of a file: a.b and c."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Attribute):
            yield node.target, node.value


def properties(path: Path) -> set[str]:
    """Names that look like a value and are a call."""
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and "property" in map(ast.unparse, node.decorator_list)
    }


def test_nothing_is_called_between_the_reading_of_a_counter_and_its_writing() -> None:
    """Where something is, another thread may count, and what it counted is gone."""
    known, seen = set[str]().union(*map(properties, FILES)), 0
    for path in FILES:
        for target, value in steps(path):
            seen += 1
            inside = list(ast.walk(value))
            called = [node for node in inside if isinstance(node, (ast.Call, ast.comprehension))]
            hidden = [node.attr for node in inside if isinstance(node, ast.Attribute) and node.attr in known]
            assert not (called or hidden) or (path.name, ast.unparse(target)) in ALONE, ast.unparse(value)
    assert seen > 100
