"""What a card's RTL depends on, and that a component fits its port map."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ringbed.sim.seam.portmap import PortMap, PortMapError
from ringbed.sim.seam.spec import NicSpec, component_ports
from tests.sim.toy import TOY_MAP, Toy

MAP = PortMap.parse(TOY_MAP)


def spec(folder: Path, **params: object) -> NicSpec:
    return NicSpec("t", lambda: None, MAP, params, (folder,))


def test_the_hash_follows_sources_parameters_and_ports(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a = 1")
    first = spec(tmp_path).source_hash()
    assert spec(tmp_path).source_hash() == first
    (tmp_path / "notes.txt").write_text("not a source")
    assert spec(tmp_path).source_hash() == first
    others = [
        spec(tmp_path, queues=2).source_hash(),
        replace(spec(tmp_path), portmap=replace(MAP, top="x")).source_hash(),
    ]
    (tmp_path / "a.py").write_text("a = 2")
    others.append(spec(tmp_path).source_hash())
    (tmp_path / "b.py").write_text("")
    others.append(spec(tmp_path).source_hash())
    assert len({first, *others}) == 5


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="the source .*gone of a card does not exist"):
        spec(tmp_path / "gone").source_hash()


class Dressed:
    """The toy with ports taken away, added or resized."""

    def __init__(self, **changes: Any) -> None:
        self.changes = changes

    def ports(self) -> dict[str, Any]:
        return {name: value for name, value in {**Toy().ports(), **self.changes}.items() if value is not None}


def test_clock_and_reset_may_be_left_to_the_engine() -> None:
    signals, missing = component_ports(Toy(), MAP)
    assert len(signals) == len(MAP.ports()) - 2
    assert [port.name for port in missing] == ["clk", "rst"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tx_tdata": None}, "toy has no port 'tx_tdata', which its port map names"),
        ({"debug": [0]}, "toy has a port 'debug' that its port map does not name"),
        ({"clk": [0]}, "toy must have both clock and reset or neither; 'rst' is missing"),
        ({"irq": [0, 0]}, "port 'irq' is 2 bits wide, its port map says 1"),
    ],
)
def test_a_component_must_fit_its_map(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PortMapError) as caught:
        component_ports(Dressed(**changes), MAP)
    assert str(caught.value) == sentence
