"""The values of a map of somebody's RTL, out of its TOML; what cannot be meant is a sentence that names its key."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

from ringbed.hw.formats.literal import Parameter, unfit
from ringbed.hw.formats.number import is_number, span
from ringbed.sim.dut.verilog.sources import unfit_path
from ringbed.sim.files import kind_of_no_file, read_file, resolved
from ringbed.sim.seam.portmap import PortMapError
from ringbed.sim.seam.settings import plusargs_of
from ringbed.sim.seam.toml import NotToml, parse_toml

__all__ = ["Values", "read_toml"]

NAME = re.compile(r"[!-~]+")  # escaped, any: "s_axis.tdata" of \\s_axis.tdata


def read_toml(path: Path) -> dict[str, Any]:
    """A map as it stands. Raises OSError, and PortMapError for what is no TOML, or no text."""
    try:
        return parse_toml(read_file(path))
    except NotToml as error:
        raise PortMapError(f"{path}: {error}") from None


class Values:
    """`data` as it stands in the file, and the `problems` met so far; of a value with one, one that is allowed goes on.

    Raises what a file that cannot be read at all gives: OSError, PortMapError.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.problems = path, list[str]()
        self.doubtful = False  # not all of the map is understood: an input without a use may have one there
        self.unclear = set[str]()  # tables with a value that is wrong
        self.data = read_toml(path)

    def _problem(self, sentence: str) -> None:
        """Of a word in the map that cannot be meant."""
        self.problems.append(sentence)
        self.doubtful = True

    def _clear(self, where: str, before: int) -> bool:
        """Whether nothing was wrong with a table since there were `before` problems."""
        if len(self.problems) > before:
            self.unclear.add(where)
        return len(self.problems) == before

    def _table(self, name: str) -> dict[str, Any]:
        value = self.data.get(name, {})
        if isinstance(value, dict):
            return value
        self._problem(f"{name} must be a table, not {value!r}")
        return {}

    def _tables(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        found = []
        for key, table in self._table(name).items():
            if isinstance(table, dict):
                found.append((key, table))
            else:
                self._problem(f"{name}.{key} must be a table, not {table!r}")
        return found

    def _text(self, table: dict[str, Any], key: str, where: str) -> str:
        value = table.get(key)
        if isinstance(value, str) and NAME.fullmatch(value):
            return value
        wrong = f"must be a Verilog name, not {value!r}" if key in table else "is missing"
        self._problem(f"{where}{key} {wrong}")
        return ""

    def _choice(self, table: dict[str, Any], key: str, where: str, allowed: tuple[str, ...]) -> str:
        """The first of `allowed` is meant when nothing is said."""
        value = table.get(key, allowed[0])
        if value in allowed:
            return str(value)
        self._problem(f"{where}.{key} must be {' or '.join(map(repr, allowed))}, not {value!r}")
        return allowed[0]

    def _number(
        self, table: dict[str, Any], key: str, where: str, allowed: range | tuple[int, ...], default: int
    ) -> int:
        """`default` 0 for a number that must be given."""
        value = table.get(key, default)
        if is_number(value, allowed):
            return value
        if key not in table:
            self._problem(f"{where}.{key} is missing")
            return allowed[-1]
        self._problem(f"{where}.{key} must be {span(allowed)}, not {value!r}")
        return allowed[-1]

    def _flag(self, table: dict[str, Any], key: str, where: str, default: bool) -> bool:
        value = table.get(key, default)
        if isinstance(value, bool):
            return value
        self._problem(f"{where}.{key} must be true or false, not {value!r}")
        return default

    def _known(self, where: str, table: dict[str, Any], allowed: set[str]) -> None:
        for key in sorted(set(table) - allowed):
            self._problem(f"unknown key {where}.{key}; there is {', '.join(sorted(allowed))}")

    def _parameters(self) -> dict[str, Parameter]:
        found = {}
        for name, value in self._table("parameters").items():
            if not NAME.fullmatch(name):
                self._problem(f"parameters: {name!r} is no Verilog name")
            elif isinstance(value, str) and (must := unfit(value)):
                self._problem(f"parameters.{name} must be {must}, not {value!r}")
            elif isinstance(value, str) or is_number(value) or (isinstance(value, float) and math.isfinite(value)):
                found[name] = value
            else:
                self._problem(f"parameters.{name} must be a number or a text, not {value!r}")
        return found

    def _plusargs(self) -> tuple[str, ...]:
        try:
            return plusargs_of(self.data.get("plusargs", []))
        except ValueError as error:
            self._problem(str(error))
            return ()

    def _paths(self, key: str) -> tuple[Path, ...]:
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self._problem(f"{key} must be a list of paths, not {value!r}")
            return ()
        if any("\0" in each for each in value):
            self._problem(f"{key}: no file has a name with a null in it")
            return ()
        found = tuple(resolved(self.path.parent / each) for each in value)
        if key == "sources" and not found:
            self._problem("sources must name at least one file of Verilog")
        for index, (name, path) in enumerate(zip(value, found, strict=True)):
            if key.endswith("sources") and path in found[:index]:
                self._problem(f"{key}: {name} is named twice")
            elif not os.path.exists(path):
                self._problem(f"{key}: {name} does not exist beside the map")
            elif key.endswith("sources") and (kind := kind_of_no_file(path)):
                self._problem(f"{key}: {name} is {kind} and no file")
            elif not key.endswith("sources") and not os.path.isdir(path):
                self._problem(f"{key}: {name} is no folder")
            elif why := unfit_path(path):
                self._problem(f"{key}: {name!r} {why}")
        return found
