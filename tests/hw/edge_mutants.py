"""Which counters and folds of a block their tests see at their edges: each is made wrong there, and the test must fail.

As a program it is told a class and, of each counter and fold, the test and the edge; it prints what the test does not
see, a line each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from amaranth.hdl import Const, Fragment, Mux, Signal, Value

from ringbed.cli.mutate.suite import measure, prepare, tested
from tests.hw.edges import Logic, counters, folds

__all__ = ["carryless", "edged", "main"]

ALL = ("-m", "")  # tests too that are left out where time is short


def _changed(fragment: Fragment, signal: Signal, change: Callable[[Value], Value]) -> None:
    """What is assigned to a signal, wherever it is, is another value."""
    logic = Logic(fragment)
    for each in logic.clocked[id(signal)] + logic.direct[id(signal)]:
        if each.lhs is not signal:
            raise ValueError(f"{signal.name} is driven in parts: {each!r}")
        each._rhs = Value.cast(change((each.rhs | Const(0, len(signal)))[: len(signal)]))


def _wrong_to(counter: Signal, value: int) -> Callable[[Value], Value]:
    return lambda there: Mux(there == value, there ^ 1, there)


def _wrong_from(counter: Signal, value: int) -> Callable[[Value], Value]:
    return lambda there: Mux((counter == value) & (there != value), there ^ 1, there)


WAYS = {"to": _wrong_to, "from": _wrong_from}


def edged(kind: Any, name: str, value: int, way: str) -> Any:
    """A class like `kind` whose counter is wrong by its last bit: as it comes "to" `value`, or goes "from" it."""
    return _like(kind, lambda fragment: _changed(
        fragment, counters(fragment)[name], WAYS[way](counters(fragment)[name], value)
    ))  # fmt: skip


def carryless(kind: Any, name: str, bit: int) -> Any:
    """A class like `kind` in which a signal that is folded has lost its carry `bit`."""
    return _like(kind, lambda fragment: _changed(
        fragment, folds(fragment)[name], lambda there: there & ~Const(1 << bit, len(folds(fragment)[name]))
    ))  # fmt: skip


def _like(kind: Any, spoil: Callable[[Fragment], None]) -> Any:
    class Spoilt(kind):
        def elaborate(self, platform: Any) -> Fragment:
            fragment = Fragment.get(super().elaborate(platform), platform)
            spoil(fragment)
            return fragment

    Spoilt.__name__ = Spoilt.__qualname__ = kind.__name__
    return Spoilt


def main(module: str, name: str, *ways: str) -> None:
    """Prints those of `ways` that their test does not see: "TEST to NAME VALUE", or `from`, or `carry` with a bit."""
    prepare()
    kind, known = getattr(import_module(module), name), set[str]()
    for line in ways:
        test, way, register, value = line.rsplit(" ", 3)
        if test not in known:
            measure(kind, [*ALL, test], kind)
            known.add(test)
        other = carryless(kind, register, int(value)) if way == "carry" else edged(kind, register, int(value), way)
        if tested(kind, [*ALL, test], other).passes:
            print(line, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
