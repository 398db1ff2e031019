"""The contract that holds the rooms apart: each room imports the rooms named on its line, and no others.

A contract type for import-linter, whose own types say what is forbidden; a list of what is allowed needs no new line
for a new module. The lines are in pyproject.toml. A line is `room -> room ...`; a module belongs to the longest room
that it is in, and a room that ends in `*` is every module whose name begins so.

Inside a room there are layers: a line `room: lowest ... highest` names all that lies in the room, folders and files,
and each imports only what is named before it. No module imports itself by way of others, not even for types; no more
do the folders and files of one folder, each folder taken as one. No folder has more files than one can look over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

__all__ = ["Layers", "Rooms", "RoomsContract", "circles", "crowded", "knots"]

Broken = Iterator[tuple[str, str, str]]  # (importer, imported, why)


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

    def broken(self, graph: ImportGraph) -> Broken:
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


@dataclass(frozen=True)
class Layers:
    """What lies in one room, from the ground up."""

    room: str
    parts: tuple[str, ...]

    @classmethod
    def parse(cls, line: str) -> Layers:
        """Raises ValueError when there is no colon or a part is named twice."""
        room, colon, names = line.partition(":")
        parts = tuple(names.split())
        if not colon or len(set(parts)) != len(parts):
            raise ValueError(f"layers are 'room: lowest ... highest', each once, not {line!r}")
        return cls(room.strip(), parts)

    def part(self, module: str) -> str | None:
        """The folder or file of the room that `module` is in or is; None for the room itself and for others."""
        below = module.removeprefix(self.room + ".")
        return None if below == module else below.partition(".")[0]

    def broken(self, graph: ImportGraph) -> Broken:
        """Every import from a part to one above it, and every part that the line does not name."""
        for importer in sorted(graph.modules):
            part = self.part(importer)
            if part is not None and part not in self.parts:
                yield importer, importer, f"{part} has no place in the layers of {self.room}"
            elif part is not None:
                yield from self._climbing(graph, importer, part)

    def _climbing(self, graph: ImportGraph, importer: str, part: str) -> Broken:
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            other = self.part(imported)
            if other in self.parts and self.parts.index(other) > self.parts.index(part):
                yield importer, imported, f"{part} lies below {other} in {self.room}"


def circles(graph: ImportGraph) -> Broken:
    """For each import that closes a circle, a shortest way round."""
    for importer in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            way = graph.find_shortest_chain(importer=imported, imported=importer)
            if way is not None:
                yield importer, imported, "closes the circle " + " -> ".join([importer, *way])


def knots(graph: ImportGraph) -> Broken:
    """For each package, a circle of what lies in it, where there is one: of folders, whichever of their files it is."""
    for package in sorted(graph.modules):
        parts = _imports_of_parts(graph, package)
        try:
            TopologicalSorter(parts).prepare()
        except CycleError as error:
            yield package, package, "has a circle of its parts: " + " -> ".join(reversed(error.args[1]))


def _imports_of_parts(graph: ImportGraph, package: str) -> dict[str, set[str]]:
    """Of each folder and file that lies in `package`: the others there that anything in it imports."""
    layers = Layers(package, ())
    parts: dict[str, set[str]] = {}
    for importer in graph.find_descendants(package) if not graph.is_module_squashed(package) else ():
        imported = (each for each in graph.find_modules_directly_imported_by(importer) if _inside(each, package))
        part = str(layers.part(importer))
        others = {layers.part(each) for each in imported} - {part, None}
        parts.setdefault(part, set()).update(map(str, others))
    return parts


def crowded(graph: ImportGraph, most: int, excepted: frozenset[str]) -> Broken:
    """Every package of more than `most` files (folders in it do not count, nor does its own `__init__`)."""
    packages = sorted(
        name for name in graph.modules if not graph.is_module_squashed(name) and graph.find_children(name)
    )
    for package in packages:
        files = [name for name in graph.find_children(package) if not graph.find_children(name)]
        if len(files) > most and package not in excepted:
            yield package, package, f"has {len(files)} files, more than {most}"


class RoomsContract(Contract):
    """`type = "rooms"` in pyproject.toml."""

    rooms = fields.ListField(subfield=fields.StringField())
    kept_apart = fields.ListField(subfield=fields.StringField())
    layers = fields.ListField(subfield=fields.StringField())
    most_files = fields.IntegerField()
    crowded_for_now = fields.ListField(subfield=fields.StringField())

    def _broken(self, graph: ImportGraph) -> Broken:
        yield from Rooms.parse(list(self.rooms), list(self.kept_apart)).broken(graph)  # type: ignore[call-overload]
        for line in self.layers:  # type: ignore[attr-defined]
            yield from Layers.parse(line).broken(graph)
        yield from circles(graph)
        yield from knots(graph)
        yield from crowded(graph, int(self.most_files), frozenset(self.crowded_for_now))  # type: ignore[call-overload]

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        broken = []
        for importer, imported, why in self._broken(graph):
            lines = [each["line_number"] for each in graph.get_import_details(importer=importer, imported=imported)]
            broken.append(f"{importer} -> {imported} (line {', '.join(map(str, lines)) or '-'}): {why}")
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        broken: list[Any] = check.metadata["broken"]
        for line in broken:
            output.print_error(line)
