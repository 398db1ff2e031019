"""Parts are fetched once, kept whole or not at all, and found again; Debian's mirror is a stand-in here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from ringbed.sim.guest import parts as at
from ringbed.sim.guest.apt import FetchFailed, Package
from ringbed.sim.guest.parts import KERNEL, QEMU, TOOLS, Fetch, fetch, kept

HELD = {
    "qemu-system-x86": ["usr/bin/qemu-system-x86_64"], "busybox-static": ["usr/bin/busybox"],
    "ethtool": ["usr/sbin/ethtool"], "linux-image-amd64": ["boot/vmlinuz-6.12", "usr/lib/modules/6.12/kernel"],
}  # fmt: skip


class Mirror:
    """In the place of Apt: `version` is of all its packages; `fails` and `full` are what goes wrong."""

    version, fails, full = 1, "", ""
    updates = 0

    def __init__(self, folder: Path, suites: Sequence[str]) -> None:
        assert suites == ("trixie", "trixie-backports")
        assert folder.is_dir()

    def update(self, share: object) -> None:
        Mirror.updates += 1

    def closure(self, *names: str, suite: str) -> list[Package]:
        return [Package("", f"{name}_{self.version}_{suite}.deb", 10, f"MD5Sum:{self.version}") for name in names]

    def one(self, name: str, suite: str) -> list[Package]:
        return self.closure(name, suite=suite)

    def download(self, wanted: Sequence[Package], folder: Path, share: object) -> list[Path]:
        paths = [folder / each.file for each in wanted]
        for path in paths:
            if self.fails in path.name and self.fails:
                raise FetchFailed("no network")
            path.write_text(path.name)
        return paths


def unpacked(package: Path, root: Path) -> None:
    root.mkdir(exist_ok=True)
    (root / package.name).write_bytes(package.read_bytes())
    for name in HELD.get(package.name.split("_")[0], ()):
        (root / name).mkdir(parents=True)
    if Mirror.full and Mirror.full in package.name:
        raise FetchFailed("no room")


@pytest.fixture(autouse=True)
def _stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(at, "Apt", Mirror)
    monkeypatch.setattr(at, "unpack", unpacked)
    for name, value in (("version", 1), ("fails", ""), ("full", ""), ("updates", 0)):
        monkeypatch.setattr(Mirror, name, value)


def test_what_is_fetched_is_told_kept_and_found_again(tmp_path: Path) -> None:
    said = list[str]()
    assert kept(TOOLS) is None
    found = fetch([TOOLS, KERNEL], Fetch(said.append))
    assert Mirror.updates == 1
    assert found == {"tools": kept(TOOLS), "kernel": kept(KERNEL)}
    assert kept(QEMU) is None
    assert {path.name for path in found["tools"].iterdir() if path.is_file()} == {
        "busybox-static_1_trixie.deb",
        "ethtool_1_trixie.deb",
    }
    assert said[0].startswith(
        "busybox and ethtool and a kernel with its modules of Debian 13: about 122 MB are fetched"
    )
    assert f"into {tmp_path / 'cache' / 'guest'}, once and without root" in said[0]
    assert "busybox and ethtool: 2 packages, 0 MB" in said
    assert "a kernel with its modules: 1 package, 0 MB" in said
    assert {path.suffix for path in (tmp_path / "cache/guest").iterdir()} == {"", ".lock"}  # nothing half made


def test_nothing_wanted_asks_nobody() -> None:
    assert fetch([], Fetch()) == {}
    assert Mirror.updates == 0


def test_another_version_is_another_folder_and_the_newest_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    first = fetch([QEMU], Fetch())["qemu"]
    assert fetch([QEMU], Fetch())["qemu"] == first
    monkeypatch.setattr(Mirror, "version", 2)
    second = fetch([QEMU], Fetch())["qemu"]
    assert second != first
    os.utime(first, ns=(1, 1))
    os.utime(second, ns=(2, 2))
    assert kept(QEMU) == second
    os.utime(first, ns=(3, 3))
    assert kept(QEMU) == first


@pytest.mark.parametrize("where", ["fails", "full"])
def test_what_was_cut_off_does_not_count(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mirror, where, "ethtool")
    with pytest.raises(FetchFailed):
        fetch([TOOLS], Fetch())
    assert kept(TOOLS) is None
    assert [path.suffix for path in (tmp_path / "cache/guest").iterdir()] == [".lock"]
    monkeypatch.setattr(Mirror, where, "")
    assert fetch([TOOLS], Fetch())["tools"] == kept(TOOLS)


def test_packages_without_what_they_are_for_do_not_count_and_are_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HELD, "linux-image-amd64", ["boot/vmlinuz-6.12"])
    with pytest.raises(RuntimeError, match=r"a kernel with its modules have no usr/lib/modules/\*/kernel: linux-image"):
        fetch([KERNEL], Fetch())
    assert kept(KERNEL) is None


def test_what_only_looks_like_a_part_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "guest"
    folder.mkdir(parents=True)
    for name in ("qemu-x", f"qemu-{'0' * 39}", f"qemu-{'0' * 41}", f"qemu-{'0' * 40}.lock", "qemu-000000000000.made"):
        (folder / name).mkdir()
    (folder / f"qemu-{'1' * 40}").write_text("")
    assert kept(QEMU) is None
