"""Names for signals that have none: `left, due = Signal(32), Signal()` leaves both nameless for Amaranth.

Its RTLIL says which line of the source made a signal; that line, read with `ast`, says which names it assigns to. Which
of them a signal is it does not say, so the answer is all: `left|due`.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["names_of", "without_sources"]

TOP = "top."
MODULE = re.compile(r"^module \\(\S+)$")
SOURCE = re.compile(r'^ *attribute \\src "(.*):(\d+)"\n', re.MULTILINE)
NAMELESS = re.compile(r"^  wire .*\\(\$signal(?:\$\d+)?)$")


def without_sources(rtlil: str) -> str:
    """The same design, whose hash a moved line of source does not change."""
    return SOURCE.sub("", rtlil)


def names_of(rtlil: str) -> dict[str, str]:
    """For every nameless wire of a design with sources, by its name in the flat netlist: what its line assigns to."""
    found, module, source = {}, "", None
    for line in rtlil.splitlines():
        if begins := MODULE.match(line):
            module = f"{begins[1]}.".removeprefix(TOP)
        elif said := SOURCE.match(line + "\n"):
            source = said[1], int(said[2])
        elif (wire := NAMELESS.match(line)) and source is not None:
            if targets := _assigned(*source):
                found[module + wire[1]] = "|".join(targets)
        elif not line.strip():
            source = None
    return found


def _assigned(path: str, line: int) -> tuple[str, ...]:
    """The names that the innermost assignment around a line gives values to."""
    around = [each for each in _assignments(path) if each[0] <= line <= each[1]]
    return min(around, key=lambda each: each[1] - each[0])[2] if around else ()


@functools.cache
def _assignments(path: str) -> tuple[tuple[int, int, tuple[str, ...]], ...]:
    """First and last line and names of every assignment to several names; none when the source is not there."""
    try:
        tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    except OSError:
        return ()
    assignments = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    return tuple(
        (node.lineno, node.end_lineno or node.lineno, tuple(_names(node.targets[0]))) for node in assignments
    )  # fmt: skip


def _names(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Tuple):
        for each in target.elts:
            yield from _names(each)
    elif isinstance(target, ast.Starred):
        yield from _names(target.value)
    elif isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Attribute):
        yield target.attr
