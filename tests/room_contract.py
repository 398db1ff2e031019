"""The contract that holds the rooms apart: each room imports the rooms named on its line, and no others.

A contract type for import-linter, whose own types say what is forbidden; a list of what is allowed needs no new line
for a new module. The lines are in pyproject.toml. A line is `room -> room ...`; a module belongs to the longest room
that it is in, and a room that ends in `*` is every module whose name begins so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

__all__ = ["Rooms", "RoomsContract"]


@dataclass(frozen=True)
class Rooms:
    """`allowed` gives each room the rooms, and the packages out of `kept_apart`, that it may import."""

    allowed: Mapping[str, frozenset[str]]
    kept_apart: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, lines: list[str], kept_apart: list[str]) -> Rooms:
        """Raises ValueError when a line has no arrow or names a room that has no line."""
        allowed: dict[str, frozenset[str]] = {}
        for line in lines:
            room, arrow, names = line.partition("->")
            if not arrow:
                raise ValueError(f"a room's line is 'room -> rooms', not {line!r}")
            allowed[room.strip()] = frozenset(names.split())
        for name in frozenset().union(*allowed.values()) - allowed.keys() - set(kept_apart):
            raise ValueError(f"{name} is imported by a room but has no line of its own")
        return cls(allowed, frozenset(kept_apart))

    def room(self, module: str) -> str | None:
        """The room `module` is in; None when it is in none."""
        found = [room for room in self.allowed if _inside(module, room)]
        return max(found, key=len, default=None)

    def _target(self, module: str) -> str | None:
        """What importing `module` is an import of, where that matters: a room or a package kept apart."""
        return self.room(module) or next((name for name in self.kept_apart if _inside(module, name)), None)

    def broken(self, graph: ImportGraph) -> Iterator[tuple[str, str, str]]:
        """Every (importer, imported, why) in `graph` that the lines do not allow, in order."""
        for importer in sorted(graph.modules):
            home = self.room(importer)
            if graph.is_module_squashed(importer):
                continue  # somebody else's package
            if home is None:
                yield importer, importer, "is in no room"
                continue
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                target = self._target(imported)
                if target is not None and target not in self.allowed[home] | {home}:
                    yield importer, imported, f"{home} may not import {target}"


def _inside(module: str, room: str) -> bool:
    return module.startswith(room[:-1]) if room.endswith("*") else module == room or module.startswith(room + ".")


class RoomsContract(Contract):
    """`type = "rooms"` in pyproject.toml."""

    rooms = fields.ListField(subfield=fields.StringField())
    kept_apart = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        rooms = Rooms.parse(list(self.rooms), list(self.kept_apart))  # type: ignore[call-overload]
        broken = []
        for importer, imported, why in rooms.broken(graph):
            lines = [each["line_number"] for each in graph.get_import_details(importer=importer, imported=imported)]
            broken.append(f"{importer} -> {imported} (line {', '.join(map(str, lines)) or '-'}): {why}")
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        broken: list[Any] = check.metadata["broken"]
        for line in broken:
            output.print_error(line)
