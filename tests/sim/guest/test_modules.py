"""Modules made up here, packed each way, and what is said of those that are none."""

from __future__ import annotations

import gzip
import lzma
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ringbed.sim.guest.modules import Module, ModuleError, Modules, read_module
from ringbed.sim.needs import Missing


def elf(depends: str | None, vermagic: str = "6.12.0 SMP") -> bytes:
    said = b"\0license=GPL\0" + (b"" if depends is None else b"depends=%b\0" % depends.encode())
    return b"\x7fELF" + bytes(60) + said + b"vermagic=%b\0name=x\0" % vermagic.encode() + bytes(9)


PACK: dict[str, Callable[[bytes], bytes]] = {".ko": bytes, ".ko.xz": lzma.compress, ".ko.gz": gzip.compress}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    below = tmp_path / "6.12" / "kernel" / "net"
    below.mkdir(parents=True)
    for name, depends, kind in (
        ("top", "mid-a,mid_b", ".ko"), ("mid-a", "base", ".ko.xz"), ("mid_b", "base,builtin", ".ko.gz"),
        ("base", "", ".ko"), ("egg", "hen", ".ko"), ("hen", "egg", ".ko"),
    ):  # fmt: skip
        (below / f"{name}{kind}").write_bytes(PACK[kind](elf(depends)))
    return tmp_path


def test_what_a_module_needs_comes_before_it_once(tree: Path) -> None:
    modules = Modules(tree)
    assert [each.name for each in modules.order("top")] == ["base", "mid_a", "mid_b", "top"]
    assert [each.name for each in modules.order("mid_a", "top", "base")] == ["base", "mid_a", "mid_b", "top"]
    assert "mid-b" in modules
    assert "builtin" not in modules
    assert modules.load("mid-a").data == elf("base")


def test_a_module_of_somebodys_own_gets_what_it_needs(tree: Path) -> None:
    mine = Module("mine", elf("mid_a"))
    assert [each.name for each in Modules(tree).order(mine)] == ["base", "mid_a", "mine"]


def test_what_a_module_says_of_itself() -> None:
    assert Module("x", elf("a,b")).depends == ("a", "b")
    assert Module("x", elf("")).depends == Module("x", elf(None)).depends == ()
    assert Module("x", elf(None, "6.12.117+deb13-amd64 SMP preempt")).version == "6.12.117+deb13-amd64"
    assert Module("x", b"\x7fELF").version == ""


def test_modules_that_need_each_other_are_told(tree: Path) -> None:
    with pytest.raises(ModuleError, match="need each other: hen, egg|need each other: egg, hen"):
        Modules(tree).order("hen")


def test_what_is_not_there_is_told(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(ModuleError, match="is no module none"):
        Modules(tree).order("none")
    with pytest.raises(ModuleError, match="there is no folder"):
        Modules(tree / "not")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModuleError, match="is no module of a kernel"):
        Modules(tmp_path / "empty")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.txt", b"", "its name ends in none of"), ("a.ko", b"#!/bin/sh", "it is no ELF file"),
        ("a.ko.xz", b"\xfd7zXZ\0cut", "cannot be unpacked"),
        ("a.ko.gz", gzip.compress(elf(""), mtime=0)[:20], "cannot be unpacked"),
    ],
)  # fmt: skip
def test_what_is_no_module_is_told(name: str, data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ModuleError, match=words):
        read_module(tmp_path / name)


def test_zstd_is_a_program_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.ko.zst").write_bytes(b"packed")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Missing, match="apt-get install zstd"):
        read_module(tmp_path / "a.ko.zst")
    program = tmp_path / "zstd"
    program.write_text('#!/bin/sh\n[ "$*" = "-dc" ] && [ "$(cat)" = packed ] && printf "\\177ELFx"\n')
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(program))
    assert read_module(tmp_path / "a.ko.zst") == Module("a", b"\x7fELFx")
    program.write_text("#!/bin/sh\necho it is cut >&2\nexit 1\n")
    with pytest.raises(ModuleError, match="cannot be unpacked: it is cut"):
        read_module(tmp_path / "a.ko.zst")
