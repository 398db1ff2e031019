"""Somebody's card on the command line of `ringbed serve`: its map is looked at before a socket is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbed.cli.errors import Exit, UserError
from ringbed.cli.serve.card import is_map, own_card, somebodys_card
from ringbed.sim.cards import EM_PCI
from ringbed.sim.native.engine import NativeEngine
from tests.cli.test_main import run
from tests.sim.conftest import NIC, needs_native
from tests.sim.serve.lines_card import lines_card

MAP = NIC / "mini_nic.toml"


def test_a_map_is_known_by_its_name() -> None:
    assert [is_map(name) for name in ("em", "nic.toml", "./em.toml", "toml")] == [False, True, True, False]


def test_ours() -> None:
    card = own_card(128, ())
    assert (card.spec.name, card.pci, card.errata) == ("em128", EM_PCI, {})


@needs_native
def test_somebodys() -> None:
    card = somebodys_card(MAP, 64, ())
    assert (card.spec.name, card.pci.vendor, card.pci.interrupt) == ("dut_mini_nic", 0x1234, "msix")
    assert (card.reset, card.errata) == (NativeEngine.reset, {})


@needs_native
def test_a_map_that_cannot_be_served(tmp_path: Path) -> None:
    text = MAP.read_text(encoding="utf-8")
    (tmp_path / "mini_nic.v").symlink_to(MAP.with_name("mini_nic.v"))
    nameless = tmp_path / "nameless.toml"
    nameless.write_text(text[: text.index("[pci]")], encoding="utf-8")
    lines_card(tmp_path)
    for path, sentence in (
        (nameless, r"nameless.toml has no \[pci\], so no operating system could find its card: docs/port-map.md"),
        (tmp_path / "lines_card.toml", "lines_card.toml has no wire.rx: a card that is served has both"),
    ):
        with pytest.raises(UserError, match=sentence):
            somebodys_card(path, 64, ())


@pytest.mark.parametrize(("more", "said"), [(["--width", "128"], "--width"), (["--erratum", "x"], "--erratum")])
def test_what_is_ems_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str) -> None:
    assert run("serve", str(MAP), "--vfio-user", str(tmp_path / "s"), *more) == Exit.USAGE
    assert f"{said} is for em, and {MAP} is a card of its own" in capsys.readouterr().err


def test_a_map_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("serve", str(tmp_path / "no.toml"), "--vfio-user", str(tmp_path / "s")) == Exit.USAGE
    assert "no.toml: No such file or directory" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()
