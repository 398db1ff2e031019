"""The rooms import only what architecture allows, and the check that says so can say no."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

from tests.room_contract import Rooms

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
        ("ringbed.drivers.em.driver", "ringbed.stack.packet", "ringbed.drivers may not import ringbed.stack"),
        ("ringbed.stack.wire.udp", "ringbed.stack.packet", "ringbed.stack.wire may not import ringbed.stack"),
        ("ringbed.stack.udp", "ringbed.drivers.em.driver", "ringbed.stack may not import ringbed.drivers"),
        ("ringbed.stack.udp", "amaranth", "ringbed.stack may not import amaranth"),
        ("ringbed.sim.memory.host", "ringbed.stack.packet", "ringbed.sim may not import ringbed.stack"),
        (
            "ringbed.sim.memory.host",
            "ringbed.sim.testbed.assembly",
            "ringbed.sim may not import ringbed.sim.testbed.assembly*",
        ),
        ("ringbed.sim.wire.cable", "scapy.all", "ringbed.sim may not import scapy"),
        ("ringbed.conformance.run", "ringbed.stack.udp", "ringbed.conformance may not import ringbed.stack"),
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
        ("ringbed.stack.udp", "ringbed.stack.wire.udp"),
        ("ringbed.sim.testbed.assembly", "ringbed.stack.packet"),
        ("ringbed.sim.testbed_host", "ringbed.sim.testbed.assembly"),
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
        "[importlinter:contract:1]\nname = house\ntype = rooms\nkept_apart =\nrooms =\n"
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
