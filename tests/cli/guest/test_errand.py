"""What a guest is to do, by the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ringbed.cli.errors import UserError
from ringbed.cli.guest.errand import GuestOptions, addresses, driver_of, errand
from ringbed.cli.guest.ground import Ground
from ringbed.cli.serve.run import ServeOptions
from ringbed.sim.guest.initrd import Errand
from ringbed.sim.guest.modules import ModuleError, Modules
from tests.sim.guest.test_modules import elf

SERVE = ServeOptions(Path(), "peer", "10.1.0.1/16", "", None, None, None, 64, (), None)
OPTIONS = GuestOptions(None, None, None, None, "debug=1", None, False, None, None, SERVE)


def of(options: GuestOptions, ground: Ground) -> Errand:
    return errand(options, ground, driver_of(options))


@pytest.fixture
def ground(tmp_path: Path) -> Callable[..., Ground]:
    def made(*names: str) -> Ground:
        for name in ("e1000", *names):
            (tmp_path / f"{name}.ko").write_bytes(elf(""))
        return Ground(tmp_path, Modules(tmp_path), b"busybox", {"bin/ethtool": b"e"})

    return made


@pytest.mark.parametrize(
    ("far", "own"),
    [("10.77.0.1/24", "10.77.0.2/24"), ("10.77.0.2/24", "10.77.0.1/24"), ("192.168.1.6/30", "192.168.1.5/30")],
)
def test_the_guest_takes_the_first_address_that_is_free(far: str, own: str) -> None:
    assert addresses(far) == (far.partition("/")[0], own)


@pytest.mark.parametrize(
    ("far", "words"),
    [
        ("10.0.0.1/31", "leaves no room for a neighbour"),
        ("10.0.0.1", "leaves no room for a neighbour"),
        ("x", "is an IPv4 address and"),
    ],
)
def test_what_is_no_address_for_two_is_refused(far: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        addresses(far)


def test_a_shell_with_the_stock_driver(ground: Callable[..., Ground]) -> None:
    found = of(OPTIONS, ground())
    assert [each.name for each in found.driver] == ["e1000"]
    assert (found.address, found.far, found.options) == ("10.1.0.2/16", "10.1.0.1", "debug=1")
    assert (found.script, found.shared, *found.modules, *found.kept) == (None, False)
    assert found.tools == {"bin/ethtool": b"e"}


def test_a_script_a_shared_folder_and_a_driver_of_ones_own(ground: Callable[..., Ground], tmp_path: Path) -> None:
    (tmp_path / "script").write_bytes(b"exit 3")
    (tmp_path / "mine.ko").write_bytes(elf("9pnet"))
    there = ground("9p", "9pnet_virtio", "9pnet", "8021q")
    found = of(replace(OPTIONS, script=tmp_path / "script", share=tmp_path, module=tmp_path / "mine.ko"), there)
    assert [each.name for each in found.driver] == ["9pnet", "mine"]
    assert [each.name for each in found.modules] == ["9pnet_virtio", "9p"]
    assert [each.name for each in found.kept] == ["8021q"]
    assert (found.script, found.shared) == (b"exit 3", True)


def test_a_kernel_without_what_is_needed_is_told(ground: Callable[..., Ground], tmp_path: Path) -> None:
    with pytest.raises(ModuleError, match="is no module 9pnet_virtio"):
        of(replace(OPTIONS, share=tmp_path), ground())
