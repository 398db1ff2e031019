"""The C++ of a model to objects: few units, two at a time; code that runs once is not optimised.

Every unit reads the same headers, a second each, of a small card more than all the rest, so files go together, and a
small card is one unit with its harness. What runs at the start only Verilator names `__Slow`; to optimise it takes a
compiler half of its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ringbed.sim.native.toolchain import Compiler, run_tool

__all__ = ["CXX_FLAGS", "FAST", "SLOW", "Unit", "compile_units", "units"]

JOBS = 2
CXX_FLAGS = ("-std=c++17", "-fPIC", "-fvisibility=hidden", "-w")
FAST, SLOW = "-O2", "-O0"
UNIT = 1_000_000  # bytes of C++ a unit, or one file that is longer
SMALL = 200_000  # and of a card that costs a compiler less than its headers


@dataclass(frozen=True)
class Unit:
    """A file to compile, and how."""

    source: Path
    level: str = FAST


def units(work: Path, prefix: str, harness: Path) -> list[Unit]:
    """`harness` and Verilator's files `prefix`*.cpp of a folder as units, those that take longest first; written
    beside them.
    """
    files = sorted(work.glob(f"{prefix}*.cpp"), key=lambda path: (-path.stat().st_size, path.name))
    if sum(path.stat().st_size for path in files) <= SMALL:
        return [_unit([*files, harness], work / f"{prefix}__all.cpp", FAST)]
    slow = [path for path in files if path.stem.endswith("__Slow")]
    fast = [path for path in files if path not in slow]
    return [
        Unit(harness),
        *_joined(fast, work / f"{prefix}__fast", FAST),
        *_joined(slow, work / f"{prefix}__slow", SLOW),
    ]


def _joined(files: Iterable[Path], name: Path, level: str) -> list[Unit]:
    """Longest first, each into the first unit that has room for it."""
    groups: list[list[Path]] = []
    for path in files:
        size = path.stat().st_size
        room = (group for group in groups if size + sum(each.stat().st_size for each in group) <= UNIT)
        if (group := next(room, None)) is None:
            groups.append(group := [])
        group.append(path)
    return [_unit(group, name.with_name(f"{name.name}_{index}.cpp"), level) for index, group in enumerate(groups)]


def _unit(files: Sequence[Path], source: Path, level: str) -> Unit:
    source.write_text("".join(f'#include "{path.name}"\n' for path in files), encoding="utf-8")
    return Unit(source, level)


def compile_units(
    compiler: Compiler, wanted: Sequence[Unit], flags: Sequence[str], work: Path, log: Path,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> list[Path]:  # fmt: skip
    """The objects. `told` of how many are done, from 0 on, and how many there are. Raises BuildError."""
    told(0, len(wanted))

    def one(unit: Unit) -> Path:
        target = work / (unit.source.name + ".o")
        command = [*compiler.command, *compiler.flags, *flags, unit.level, "-c", str(unit.source), "-o", str(target)]
        run_tool("the C++ compiler", command, log)
        return target

    objects = []
    with ThreadPoolExecutor(JOBS) as pool:
        for done, target in enumerate(pool.map(one, wanted), 1):
            told(done, len(wanted))
            objects.append(target)
    return objects
