"""The counters and folds of a block, by its elaborated logic.

A counter is a register whose next value is a sum or difference of which it is itself a part, through any logic that
makes up its value; what only decides (a comparison, the choice of a multiplexer) is not followed. So an address that
moves on, a total and a pointer are counters too. A fold adds all parts of one signal, none wider than 16 bits: the
carries of a one's complement sum.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from amaranth.hdl import Fragment, Signal
from amaranth.hdl._ast import Assign, Concat, Operator, Part, Slice, Switch, SwitchValue

__all__ = ["Logic", "counters", "folds"]

DECIDES = {"==", "!=", "<", "<=", ">", ">=", "b", "r|", "r&", "r^"}
SUMS = {"+", "-"}
FOLDED = 16  # bits of an internet checksum
Loc = tuple[str, int]


def _assigns(statements: Iterable[Any]) -> Iterator[Assign]:
    for statement in statements:
        if isinstance(statement, Switch):
            for _, inner, _ in statement.cases:
                yield from _assigns(inner)
        elif isinstance(statement, Assign):
            yield statement


def _parts(value: Any) -> list[Any]:
    """What makes up a value."""
    if isinstance(value, Operator):
        return [] if value.operator in DECIDES else list(value.operands)
    if isinstance(value, SwitchValue):
        return [each for _, each in value.cases]
    if isinstance(value, Slice | Part):
        return [value.value]
    return list(value.parts) if isinstance(value, Concat) else []


def _targets(value: Any) -> Iterator[Signal]:
    """The signals that an assignment to `value` drives."""
    if isinstance(value, Signal):
        yield value
    for part in _parts(value):
        yield from _targets(part)


class Logic:
    """A fragment's own assignments, by the signal that they drive: those of clocks, and the others."""

    def __init__(self, fragment: Fragment) -> None:
        self.clocked, self.direct = defaultdict[int, list[Assign]](list), defaultdict[int, list[Assign]](list)
        self.signals: dict[int, Signal] = {}
        for domain, statements in fragment.statements.items():
            into = self.direct if domain == "comb" else self.clocked
            for each in _assigns(statements):
                for signal in _targets(each.lhs):
                    into[id(signal)].append(each)
                    self.signals[id(signal)] = signal

    def within(self, value: Any, seen: set[int]) -> Iterator[Any]:
        """A value and all that it is made of in this clock."""
        yield value
        inner = _parts(value)
        if isinstance(value, Signal) and id(value) not in seen:
            seen.add(id(value))
            inner = [each.rhs for each in self.direct[id(value)]] if id(value) in self.direct else []
        for part in inner:
            yield from self.within(part, seen)

    def counts(self, signal: Signal) -> bool:
        """Whether its next value is a sum of which it is a part."""
        nexts = (each.rhs for each in self.clocked[id(signal)])
        return any(
            found is signal
            for value in nexts for total in self.within(value, set())
            if isinstance(total, Operator) and total.operator in SUMS and len(total.operands) == 2
            for found in self.within(total, set())
        )  # fmt: skip


@cache
def _named(file: str) -> dict[int, tuple[int, list[str]]]:
    """Of each line of a file in an assignment of signals to several names: its first line, and the names."""
    found = dict[int, tuple[int, list[str]]]()
    for node in ast.walk(ast.parse(Path(file).read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)):
            continue
        if isinstance(names := node.targets[0], ast.Tuple):
            pairs = zip(names.elts, node.value.elts, strict=True)
            made = [ast.unparse(name).removeprefix("self.") for name, value in pairs if "Signal" in ast.unparse(value)]
            found |= dict.fromkeys(range(node.lineno, (node.end_lineno or 0) + 1), (node.lineno, made))
    return found


def _names(signals: Iterable[Signal]) -> dict[int, str]:
    """The names of signals. Of those made in an assignment to several Amaranth has none, or another's: their order says
    which is which.
    """
    names, together = dict[int, str](), defaultdict[Loc, list[Signal]](list)
    for signal in sorted(signals, key=lambda each: int(each.duid)):
        names[id(signal)] = signal.name
        file, line = signal.src_loc
        if line in _named(file):
            together[file, _named(file)[line][0]].append(signal)
    for (file, line), group in together.items():
        made = _named(file)[line][1]
        if len(group) == len(made):
            names |= {id(signal): name for signal, name in zip(group, made, strict=True)}
    return names


def counters(fragment: Fragment) -> dict[str, Signal]:
    """A fragment's counters by name, those of blocks in it not among them."""
    logic = Logic(fragment)
    names = _names(_all_signals(fragment))
    return {
        names[key]: logic.signals[key] for key in logic.clocked
        if len(logic.signals[key]) and logic.counts(logic.signals[key])
    }  # fmt: skip


def _all_signals(fragment: Fragment) -> list[Signal]:
    """Every signal of its statements: of those made in one assignment none is left out, or the order says nothing."""
    found: dict[int, Signal] = {}
    for statements in fragment.statements.values():
        for each in (*statements._lhs_signals(), *statements._rhs_signals()):
            found[id(each)] = each
    for inner, *_ in fragment.subfragments:
        found |= {id(each): each for each in _all_signals(inner)}
    return list(found.values())


def folds(fragment: Fragment) -> dict[str, Signal]:
    """The signals by name of which all parts are added to each other."""
    names, found = _names(_all_signals(fragment)), dict[str, Signal]()
    logic = Logic(fragment)
    for each in (each for into in (logic.direct, logic.clocked) for made in into.values() for each in made):
        for value in _values(each.rhs):
            slices = [part for part in _added(value) if isinstance(part, Slice) and isinstance(part.value, Signal)]
            for whole in {id(part.value): part.value for part in slices}.values():
                mine = sorted((part.start, part.stop) for part in slices if part.value is whole)
                ends = [0, *(stop for _, stop in mine)]
                narrow = all(stop - start <= FOLDED for start, stop in mine)
                if len(mine) > 1 and narrow and [start for start, _ in mine] == ends[:-1] and ends[-1] == len(whole):
                    found[names[id(whole)]] = whole
    return found


def _values(value: Any) -> Iterator[Any]:
    yield value
    for part in _parts(value):
        yield from _values(part)


def _added(value: Any) -> Iterator[Any]:
    """The terms of a sum of sums."""
    if isinstance(value, Operator) and value.operator == "+":
        for operand in value.operands:
            yield from _added(operand)
    else:
        yield value
