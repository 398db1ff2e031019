"""What is used of what is there: this machine's own, what was kept, and what is fetched now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ringbed.cli.guest import ground as at
from ringbed.cli.guest.ground import find_ground, find_uml, is_there
from ringbed.sim.guest.modules import ModuleError
from ringbed.sim.guest.parts import KERNEL, QEMU, TOOLS, Fetch, Part
from ringbed.sim.guest.qemu import Qemu, unpacked_qemu
from ringbed.sim.needs import NEEDS, Missing
from tests.sim.guest.test_modules import elf
from tests.sim.guest.test_qemu import program

LISTED = """#!/bin/sh
[ "$1 $2 $3" = "--library-path $(dirname "$0") --list" ] && [ -e "$4" ] || exit 1
printf "\\tlinux-vdso.so.1 (0x7)\\n\\tlibm.so.6 => $(dirname "$0")/libm.so.6 (0x8)\\n"
printf "\\t/lib64/ld-linux-x86-64.so.2 => $0 (0x9)\\n"
"""
OWN = Qemu(("own",))


class Machine:
    """What it has of its own, what was kept, and what it was asked to fetch."""

    def __init__(self, folder: Path) -> None:
        self.own: Qemu | None = None
        self.kept: dict[str, Path] = {}
        self.fetched = list[str]()
        self.parts = {part.name: folder / part.name for part in (QEMU, KERNEL, TOOLS)}
        tools = self.parts["tools"] / "usr"
        program(tools / "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", LISTED)
        (tools / "lib/x86_64-linux-gnu/libm.so.6").write_bytes(b"libm")
        for name in ("sbin/ethtool", "bin/busybox"):
            program(tools / name, name)
        for path, data in (("boot/vmlinuz-6.12", b""), ("usr/lib/modules/6.12/e1000.ko", elf(""))):
            (self.parts["kernel"] / path).parent.mkdir(parents=True, exist_ok=True)
            (self.parts["kernel"] / path).write_bytes(data)

    def fetch(self, parts: Sequence[Part], told: Fetch) -> dict[str, Path]:
        told.say("as told")
        told.share(0.5)
        self.fetched += [part.name for part in parts]
        return {part.name: self.parts[part.name] for part in parts}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr(at, "own_qemu", lambda: made.own)
    monkeypatch.setattr(at, "kept", lambda part: made.kept.get(part.name))
    monkeypatch.setattr(at, "fetch", made.fetch)
    return made


def test_all_is_fetched_where_nothing_is_there(machine: Machine) -> None:
    said = StringIO()
    ground = find_ground(None, None, Console(file=said))
    assert sorted(machine.fetched) == ["kernel", "qemu", "tools"]
    assert "as told" in said.getvalue()
    assert ground.qemu == unpacked_qemu(machine.parts["qemu"])
    assert ground.kernel == machine.parts["kernel"] / "boot/vmlinuz-6.12"
    assert "e1000" in ground.modules
    assert ground.busybox.endswith(b"bin/busybox")
    assert ground.tools.keys() == {"bin/ethtool", "lib/libm.so.6", "lib64/ld-linux-x86-64.so.2"}
    assert ground.tools["lib/libm.so.6"] == b"libm"
    assert ground.tools["bin/ethtool"].endswith(b"sbin/ethtool")
    assert ground.tools["lib64/ld-linux-x86-64.so.2"] == LISTED.encode().replace(
        b"#!/bin/sh\n", b"#!/bin/sh\n#!/bin/sh\n", 1
    )


def test_what_was_kept_is_not_fetched_again(machine: Machine) -> None:
    assert not is_there()
    machine.kept = dict(machine.parts)
    assert is_there()
    find_ground(None, None, Console(file=StringIO()))
    assert machine.fetched == []
    del machine.kept["qemu"]
    assert not is_there()
    assert find_ground(None, None, Console(file=StringIO())).qemu == unpacked_qemu(machine.parts["qemu"])
    assert machine.fetched == ["qemu"]


def test_ones_own_qemu_and_kernel_are_used(machine: Machine, tmp_path: Path) -> None:
    machine.own, machine.kept = OWN, {name: machine.parts[name] for name in ("tools", "kernel")}
    assert is_there()
    machine.kept = {}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "my_nic.ko").write_bytes(elf(""))
    ground = find_ground(tmp_path / "k", tmp_path / "mine", Console(file=StringIO()))
    assert machine.fetched == ["tools"]
    assert (ground.qemu, ground.kernel, "my_nic" in ground.modules) == (OWN, tmp_path / "k", True)


def test_what_is_no_folder_of_modules_is_told_before_a_fetch(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModuleError, match="is no module of a kernel"):
        find_ground(tmp_path / "k", tmp_path / "empty", Console(file=StringIO()))
    assert machine.fetched == []


def test_a_machine_that_cannot_build_a_kernel_is_told_before_anything_is_fetched(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tools are a part that would be fetched before the kernel's source. With a kernel of one's own they are."""
    monkeypatch.setitem(NEEDS, "kernel", replace(NEEDS["kernel"], look=lambda: "flex is not on PATH"))
    with pytest.raises(Missing, match="flex is not on PATH"):
        find_uml(None, None, Console(file=StringIO()))
    assert machine.fetched == []
    modules = machine.parts["kernel"] / "usr/lib/modules"
    assert find_uml(Path("linux"), modules, Console(file=StringIO())).kernel == Path("linux")
    assert machine.fetched == ["tools"]
