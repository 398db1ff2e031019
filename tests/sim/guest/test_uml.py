"""A User Mode Linux as a machine: what it is told, and what lies in its folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ringbed.sim.guest import uml
from ringbed.sim.guest.build import CONFIG, DEVICE
from ringbed.sim.guest.uml import UmlMachine, furnish, memory_folder, uml_program, uml_words
from ringbed.sim.lockstep import opened


def test_it_finds_its_calendar_and_its_slot_where_they_are() -> None:
    assert (uml.TIME, uml.SLOT) == (opened.TIME, opened.SLOT)
    words = uml_words(UmlMachine(Path("/k"), Path("/some where:else,even")))
    assert {"time-travel=ext:time", f"virtio_uml.device=slot:{DEVICE}", "initrd=initrd"} <= {*words}
    assert "hostfs=/proc/self/cwd/host" in words
    assert f"CONFIG_UML_PCI_OVER_VIRTIO_DEVICE_ID={DEVICE}\n" in CONFIG.read_text()


def test_it_runs_in_its_folder_and_at_the_same_addresses(tmp_path: Path) -> None:
    """By a shell in its place: where it is, and its personality (personality(2): ADDR_NO_RANDOMIZE)."""
    folder = tmp_path / "a b:c,d"
    folder.mkdir()
    kernel = tmp_path / "kernel"
    kernel.write_text('#!/bin/sh\npwd; cat /proc/$$/personality; echo "$TMPDIR" "$@"\n')
    kernel.chmod(0o755)
    machine = UmlMachine(kernel, folder)
    program = uml_program(machine)
    command, there = [*program.words, *uml_words(machine)], {**os.environ, **program.environment}
    where, kind, told = subprocess.run(
        command, env=there, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert Path(where) == folder
    assert int(kind, 16) & 0x0040000
    assert told == " ".join([str(memory_folder(machine.memory_mb << 20, folder)), *uml_words(machine)])


def test_its_folder(tmp_path: Path) -> None:
    shared = tmp_path / "mine"
    shared.mkdir()
    (shared / "file").write_text("x")
    furnish(tmp_path, None)
    assert sorted(each.name for each in (tmp_path / "host").iterdir()) == ["out", "said", "words"]
    (tmp_path / "other").mkdir()
    furnish(tmp_path / "other", shared)
    assert (tmp_path / "other" / "host" / "share" / "file").read_text() == "x"


@pytest.mark.parametrize(
    ("free", "flags", "there", "taken"),
    [(2 << 20, 0, True, True), (1 << 20, 0, True, True), ((1 << 20) - 4096, 0, True, False),
     (2 << 20, os.ST_NOEXEC, True, False), (2 << 20, 0, False, False)],
    ids=["room", "just", "too little", "no programs", "not there"],
)  # fmt: skip
def test_its_memory_is_a_file_where_there_is_room_for_one(
    free: int, flags: int, there: bool, taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statvfs(path: Path) -> os.statvfs_result:
        if not there:
            raise FileNotFoundError(path)
        return os.statvfs_result((4096, 4096, 9999, 9999, free // 4096, 0, 0, 0, flags, 255))

    monkeypatch.setattr(os, "statvfs", statvfs)
    assert memory_folder(1 << 20, tmp_path, Path("/shm")) == (Path("/shm") if taken else tmp_path)
