"""The rooms import only what architecture allows, and the check that says so can say no."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

from tests.room_contract import Layers, Rooms, circles, crowded, knots

ROOT = Path(__file__).parent.parent
CONTRACT = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]


def rooms() -> Rooms:
    return Rooms.parse(CONTRACT["rooms"], CONTRACT["kept_apart"])


def test_every_import_descends() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    assert "1 kept, 0 broken" in done.stdout


def test_every_room_has_a_line() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert {name for name in packages if rooms().room(name) is None} == set()


@pytest.mark.parametrize(
    ("importer", "imported", "why"),
    [
        ("ringbed.hw.formats.bad", "ringbed.hw.nics", "ringbed.hw.formats may not import ringbed.hw"),
        ("ringbed.hw.formats.bad", "amaranth.hdl", "ringbed.hw.formats may not import amaranth"),
        ("ringbed.hw.ring.whole", "ringbed.hw.errata.one", "ringbed.hw may not import ringbed.hw.errata"),
        ("ringbed.hw.ring.whole", "ringbed.drivers.em.driver", "ringbed.hw may not import ringbed.drivers"),
        ("ringbed.drivers.em.driver", "ringbed.hw.nics", "ringbed.drivers may not import ringbed.hw"),
        ("ringbed.drivers.em.driver", "ringbed.stack.kern.packet", "ringbed.drivers may not import ringbed.stack"),
        ("ringbed.stack.wire.udp", "ringbed.stack.kern.packet", "ringbed.stack.wire may not import ringbed.stack"),
        ("ringbed.stack.transport.udp", "ringbed.drivers.em.driver", "ringbed.stack may not import ringbed.drivers"),
        ("ringbed.stack.transport.udp", "amaranth", "ringbed.stack may not import amaranth"),
        ("ringbed.sim.memory.host", "ringbed.stack.kern.packet", "ringbed.sim may not import ringbed.stack"),
        (
            "ringbed.sim.memory.host",
            "ringbed.sim.testbed.assembly",
            "ringbed.sim may not import ringbed.sim.testbed",
        ),
        ("ringbed.sim.wire.cable", "scapy.all", "ringbed.sim may not import scapy"),
        ("ringbed.conformance.run", "ringbed.stack.transport.udp", "ringbed.conformance may not import ringbed.stack"),
        ("ringbed.cli.nic.command", "amaranth.back", "ringbed.cli may not import amaranth"),
    ],
)
def test_a_climbing_import_is_found(importer: str, imported: str, why: str) -> None:
    assert list(rooms().broken(graph(importer, imported))) == [(importer, imported, why)]


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("ringbed.hw.nics.em.card", "ringbed.hw.formats.em"),
        ("ringbed.hw.errata.one", "ringbed.hw.ring.whole"),
        ("ringbed.drivers.em.driver", "ringbed.hw.formats.em"),
        ("ringbed.stack.transport.udp", "ringbed.stack.wire.udp"),
        ("ringbed.sim.testbed.assembly", "ringbed.stack.kern.packet"),
        ("ringbed.sim.testbed.network", "ringbed.sim.testbed.assembly"),
        ("ringbed.conformance.references.oracle", "scapy.layers"),
        ("ringbed.cli.demo.command", "ringbed.conformance.references.oracle"),
        ("ringbed.drivers.em.driver", "numpy"),
    ],
)
def test_a_descending_import_is_left_alone(importer: str, imported: str) -> None:
    assert list(rooms().broken(graph(importer, imported))) == []


def graph(importer: str, imported: str) -> grimp.ImportGraph:
    """A house of two modules, one importing the other."""
    made = grimp.ImportGraph()
    made.add_module(importer)
    made.add_module(imported, is_squashed=not imported.startswith("ringbed"))
    made.add_import(importer=importer, imported=imported, line_number=1, line_contents="import")
    return made


def test_a_module_outside_every_room_is_found() -> None:
    made = grimp.ImportGraph()
    made.add_module("ringbed.attic")
    assert list(rooms().broken(made)) == [("ringbed.attic", "ringbed.attic", "is in no room")]


def test_the_linter_bites_on_real_files(tmp_path: Path) -> None:
    """A small house on disk, linted by the same program with the same contract type."""
    for room, text in {"low": "import house.high\n", "high": "import house.low\n"}.items():
        (tmp_path / "house" / room).mkdir(parents=True)
        (tmp_path / "house" / room / "__init__.py").write_text(text)
    (tmp_path / "house" / "__init__.py").write_text("")
    (tmp_path / "house.ini").write_text(
        "[importlinter]\nroot_package = house\ncontract_types =\n    rooms: tests.room_contract.RoomsContract\n"
        "[importlinter:contract:1]\nname = house\ntype = rooms\nkept_apart =\nlayers =\ncrowded_for_now =\n"
        "most_files = 15\nrooms =\n"
        "    house ->\n    house.low ->\n    house.high -> house.low\n"
    )
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache", "--config", tmp_path / "house.ini"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "house.low -> house.high (line 1): house.low may not import house.high" in done.stdout


def test_what_lies_in_a_room_imports_what_lies_below() -> None:
    layers = Layers.parse("ringbed.sim: seam memory engines")
    assert list(layers.broken(graph("ringbed.sim.memory.host", "ringbed.sim.seam.engine"))) == []
    assert list(layers.broken(graph("ringbed.sim.memory.host", "ringbed.sim.memory.arena"))) == []
    assert list(layers.broken(graph("ringbed.sim.memory.host", "ringbed.hw.nics.em"))) == []
    climbs = graph("ringbed.sim.seam.engine", "ringbed.sim.engines")
    assert list(layers.broken(climbs)) == [
        ("ringbed.sim.seam.engine", "ringbed.sim.engines", "seam lies below engines in ringbed.sim")
    ]


def test_whatever_lies_in_a_room_has_a_place_in_its_layers() -> None:
    attic = graph("ringbed.sim.attic.old", "ringbed.sim.seam.engine")
    assert list(Layers.parse("ringbed.sim: seam").broken(attic)) == [
        ("ringbed.sim.attic.old", "ringbed.sim.attic.old", "attic has no place in the layers of ringbed.sim")
    ]


def test_every_room_with_folders_has_layers() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    lined = {Layers.parse(line).room for line in CONTRACT["layers"]}
    assert {".".join(name.split(".")[:2]) for name in packages if name.count(".") > 1} <= lined


@pytest.mark.parametrize("line", ["ringbed.sim seam", "ringbed.sim: seam memory seam"])
def test_a_wrong_line_of_layers_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="layers are 'room: lowest ... highest', each once, not 'ringbed.sim"):
        Layers.parse(line)


def test_a_circle_is_found_from_each_of_its_modules() -> None:
    made = grimp.ImportGraph()
    for name in "abcd":
        made.add_module(name)
    for importer, imported in ("ab", "bc", "ca", "cd"):
        made.add_import(importer=importer, imported=imported, line_number=1, line_contents="import")
    assert [why for _, _, why in circles(made)] == [
        f"closes the circle {way}" for way in ("a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c")
    ]


def test_folders_that_import_each_other_are_found_though_no_module_does() -> None:
    made = grimp.ImportGraph()
    for name in ("p", "p.a", "p.a.x", "p.a.y", "p.b"):
        made.add_module(name)
    made.add_import(importer="p.b", imported="p.a.x", line_number=1, line_contents="import")
    assert list(knots(made)) == []
    made.add_import(importer="p.a.y", imported="p.b", line_number=1, line_contents="import")
    assert list(circles(made)) == []
    [(importer, imported, why)] = knots(made)
    assert (importer, imported) == ("p", "p")
    assert why in ("has a circle of its parts: a -> b -> a", "has a circle of its parts: b -> a -> b")


def test_a_crowded_folder_is_found_and_folders_in_it_do_not_count() -> None:
    made = grimp.ImportGraph()
    for name in ("p", "p.a", "p.b", "p.q", "p.q.c", "p.q.d"):
        made.add_module(name)
    assert list(crowded(made, 2, frozenset())) == []
    assert list(crowded(made, 1, frozenset({"p.q"}))) == [("p", "p", "has 2 files, more than 1")]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["a b"], "a room's line is 'room -> rooms', not 'a b'"),
        (["a -> b"], "b is imported by a room but has no line of its own"),
    ],
)
def test_a_wrong_line_is_refused(lines: list[str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Rooms.parse(lines, [])
