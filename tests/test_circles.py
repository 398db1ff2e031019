"""No module imports itself by way of others, not even for types: every file can be read before those above."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import grimp

ROOT = Path(__file__).parent.parent
HOUSE = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]


def circles(graph: grimp.ImportGraph) -> Iterator[list[str]]:
    """For each import that closes a circle, a shortest way round."""
    for importer in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            way = graph.find_shortest_chain(importer=imported, imported=importer)
            if way is not None:
                yield [importer, *way]


def test_there_is_none() -> None:
    """`if TYPE_CHECKING:` counts: grimp sees such imports as any other."""
    assert list(circles(grimp.build_graph(*HOUSE, cache_dir=None))) == []


def test_one_would_be_found() -> None:
    graph = grimp.ImportGraph()
    for name in "abcd":
        graph.add_module(name)
    for importer, imported in ("ab", "bc", "ca", "cd"):
        graph.add_import(importer=importer, imported=imported, line_number=1, line_contents="import")
    assert sorted(circles(graph)) == [["a", "b", "c", "a"], ["b", "c", "a", "b"], ["c", "a", "b", "c"]]
