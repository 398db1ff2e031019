"""Which results of a block its own tests read: each is broken in turn, and a test of the block must fail.

A result is a field of an output port. It is held at 0: what is looked at, but never is anything else in the tests,
counts as not read. A port of one bit is held at 1 too. A block made for several widths is broken whole at each.

As a program it is told a class and its test file, and prints what no test sees, a line each. It imports once what all
need and runs the tests in a child for each broken block, as `ringbed mutate` does (cli/mutate/suite.py).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, Const, Module, Value
from amaranth.lib import data
from amaranth.lib.wiring import Out

from ringbed.cli.mutate.suite import measure, prepare, tested

__all__ = ["WIDTHS", "breaks", "leaves", "main", "results"]

WIDTHS = (64, 128, 256, 512)
Break = tuple[str, int]  # the result, and what it is held at; or "width", and which
Fields = Iterator[tuple[str, int, int]]  # name, first bit, bits


def leaves(shape: Any, name: str, start: int = 0) -> Fields:
    """The fields of a shape, down to those that have none."""
    if isinstance(shape, data.Layout):
        for key, field in shape:
            yield from leaves(field.shape, f"{name}.{key}", start + field.offset)
    else:
        yield name, start, Value.cast(Const(0, shape)).shape().width


def results(block: Any) -> Iterator[tuple[str, Any, list[tuple[str, int, int]]]]:
    """Each output port of a component: its name, its value, its fields."""
    for path, member, value in block.signature.flatten(block):
        if member.flow == Out and not isinstance(value, Const) and len(Value.cast(value)):
            name = ".".join(map(str, path))
            yield name, value, list(leaves(member.shape, name))


def breaks(block: Any) -> list[Break]:
    """Every way in which a block like this one is broken."""
    made = [(name, 0) for _, _, found in results(block) for name, _, _ in found]
    made += [(name, 1) for name, value, _ in results(block) if len(Value.cast(value)) == 1]
    return made + [("width", width) for width in WIDTHS if "width" in vars(block) and block.width in WIDTHS]


def broken(kind: Any, way: Break | None) -> Any:
    """A class like `kind`, whose instances are broken so; whole when `way` is None."""

    class Broken(kind):
        def __init__(self, *args: Any, **options: Any) -> None:
            self._make: Callable[[], Any] = lambda: kind(*args, **options)
            super().__init__(*args, **options)

        def elaborate(self, platform: Any) -> Module:
            m, whole = Module(), self._make()
            m.submodules.whole = whole
            beside = vars(whole).keys() - self.signature.members.keys()  # what a block shows beside its ports
            for shown in (name for name in beside if not name.startswith("_")):
                setattr(self, shown, getattr(whole, shown))
            for (_, member, mine), (_, _, its) in zip(
                self.signature.flatten(self), whole.signature.flatten(whole), strict=True
            ):
                if member.flow != Out and not isinstance(mine, Const):
                    m.d.comb += Value.cast(its).eq(Value.cast(mine))
            for (name, mine, fields), (_, its, _) in zip(results(self), results(whole), strict=True):
                m.d.comb += Value.cast(mine).eq(Cat(self._field(Value.cast(its), *field) for field in fields))
                assert name
            return m

        def _field(self, value: Value, name: str, start: int, bits: int) -> Value:
            if way is not None and name == way[0]:
                return Const(way[1], bits)
            if way is not None and way[0] == "width" and self.width == way[1]:
                return Const(0, bits)
            return value[start : start + bits]

    Broken.__name__ = Broken.__qualname__ = kind.__name__
    return Broken


def unread(kind: Any, tests: Sequence[str], ways: list[Break]) -> Iterator[str]:
    measure(kind, tests, broken(kind, None))
    for way in ways:
        if tested(kind, tests, broken(kind, way)).passes:
            yield f"{way[0]}={way[1]}"


def main(module: str, name: str, tests: str, *ways: str) -> None:
    """Prints those of `ways` ("result=value") that no test in the file `tests` sees."""
    prepare()
    held = [(way.rpartition("=")[0], int(way.rpartition("=")[2])) for way in ways]
    for way in unread(getattr(import_module(module), name), [str(Path(tests))], held):
        print(way, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
