"""Which QEMU will do, and what it is told."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ringbed.cli.serve.run import qemu_line
from ringbed.sim.guest.qemu import Machine, Qemu, machine_words, own_qemu, unpacked_qemu

MACHINE = Machine(Path("/s/card"), Path("/k/vmlinuz"), Path("/s/initrd"), ["mon:stdio"])


def program(path: Path, lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{lines}")
    path.chmod(0o755)
    return path


NEW = '[ "$*" = "-M none -device vfio-user-pci,help" ] && echo "vfio-user-pci options:"'
OLD = "echo \"Device 'vfio-user-pci' not found\" >&2; exit 1"


def test_one_that_has_the_device_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert own_qemu() is None
    path = program(tmp_path / "qemu", NEW)
    monkeypatch.setattr(shutil, "which", lambda name: str(path) if name == "qemu-system-x86_64" else None)
    assert own_qemu() == Qemu((str(path),))
    program(path, OLD)
    assert own_qemu() is None


def test_one_that_does_not_run_will_not_do(tmp_path: Path) -> None:
    assert not Qemu((str(tmp_path / "none"),)).serves()
    assert Qemu((str(program(tmp_path / "q", 'echo "QEMU 11"; echo more')),)).version() == "QEMU 11"


def test_an_unpacked_one_runs_with_its_own_loader_libraries_and_firmware(tmp_path: Path) -> None:
    lines = 'echo "$QEMU_MODULE_DIR|$*"'
    program(tmp_path / "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", lines)
    said = unpacked_qemu(tmp_path).version()
    usr = f"{tmp_path}/usr"
    assert said == (
        f"{usr}/lib/x86_64-linux-gnu/qemu|--library-path {usr}/lib/x86_64-linux-gnu {usr}/bin/qemu-system-x86_64 "
        f"-L {usr}/share/qemu -L {usr}/share/seabios --version"
    )


def after(words: list[str], option: str) -> list[str]:
    return [value for name, value in zip(words, words[1:], strict=False) if name == option]


def test_the_card_and_its_memory_are_as_serve_prints_them() -> None:
    words = machine_words(MACHINE)
    line = qemu_line(Path("/s/card"))
    for option in ("-M", "-m", "-object"):
        assert f" {option} {after(words, option)[0]}" in line
    assert json.loads(after(words, "-device")[0]) == {
        "driver": "vfio-user-pci", "socket": {"path": "/s/card", "type": "unix"},
    }  # fmt: skip
    assert after(words, "-kernel") == ["/k/vmlinuz"]
    assert after(words, "-initrd") == ["/s/initrd"]
    assert after(words, "-serial") == ["mon:stdio"]
    assert {"console=ttyS0", "panic=-1", "no_timer_check"} <= {*after(words, "-append")[0].split()}
    assert {"-nodefaults", "-no-user-config", "-no-reboot"} <= {*words}
    assert not {"-gdb", "-S", "-fsdev"} & {*words}


def test_an_iommu_is_there_before_the_card_that_is_behind_it() -> None:
    words = machine_words(replace(MACHINE, iommu=True))
    assert after(words, "-M") == ["q35,memory-backend=mem"]
    guard, card = after(words, "-device")
    assert guard == "intel-iommu,caching-mode=on"
    assert json.loads(card)["driver"] == "vfio-user-pci"
    assert {"intel_iommu=on", "iommu.strict=1"} <= {*after(words, "-append")[0].split()}
    plain = machine_words(MACHINE)
    assert not [word for word in plain if "iommu" in word]
    assert after(plain, "-M") == ["pc,memory-backend=mem"]


def test_a_debugger_a_shared_folder_and_more_ports() -> None:
    machine = replace(
        MACHINE, serial=["file:a", "stdio"], shared=Path("/a,b"), debugger="tcp:127.0.0.1:1234", memory_mb=512
    )
    words = machine_words(machine)
    assert after(words, "-serial") == ["file:a", "stdio"]
    assert after(words, "-gdb") == ["tcp:127.0.0.1:1234"]
    assert "-S" in words
    assert "nokaslr" in after(words, "-append")[0].split()
    assert after(words, "-fsdev") == ["local,id=share,path=/a,,b,security_model=none"]
    assert after(words, "-device")[1] == "virtio-9p-pci,fsdev=share,mount_tag=share"
    assert after(words, "-m") == ["512M"]
    assert "size=512M" in after(words, "-object")[0]
