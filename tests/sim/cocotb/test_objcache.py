"""Verilator's runtime is compiled once: objects below a root, by their command; everything else is the compiler's."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from ringbed.sim.cocotb import build
from ringbed.sim.cocotb.objcache import compiled
from ringbed.sim.native.toolchain import Compiler, find_verilator

COMPILER = """#!/bin/sh
echo "$@" >> '{log}'
for last; do :; done
cat "$last" > "$OUT"
! grep -q '^bad' "$last"
"""


class Fake:
    """A compiler that copies, fails for a source that begins with `bad`, and writes down how it was called."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.binary, self.log, self.target = folder / "c++", folder / "log", folder / "work" / "a.o"
        self.root, self.kept = folder / "root", folder / "kept"
        self.binary.write_text(COMPILER.format(log=self.log))
        self.binary.chmod(0o700)
        self.root.mkdir()
        self.target.parent.mkdir()
        monkeypatch.setenv("OUT", str(self.target))

    def run(self, source: Path, *flags: str) -> int:
        self.target.unlink(missing_ok=True)
        return compiled(self.kept, self.root, [str(self.binary), *flags, "-c", "-o", str(self.target), str(source)])

    @property
    def calls(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    return Fake(tmp_path, monkeypatch)


def test_each_command_is_run_once(fake: Fake) -> None:
    source = fake.root / "a.cpp"
    source.write_text("good")
    for flags, calls in (((), 1), ((), 1), (("-O1",), 2), (("-O2",), 3), (("-O1",), 3), ((), 3)):
        assert fake.run(source, *flags) == 0
        assert (fake.target.read_text(), fake.calls) == ("good", calls)
    assert len(list(fake.kept.iterdir())) == 3


def test_a_card_s_own_source_is_compiled_each_time(fake: Fake, tmp_path: Path) -> None:
    source = tmp_path / "card.cpp"
    for text in ("good", "good, and another card"):
        source.write_text(text)
        assert fake.run(source) == 0
        assert fake.target.read_text() == text
    assert (fake.calls, fake.kept.exists()) == (2, False)


def test_what_does_not_compile_is_not_kept(fake: Fake) -> None:
    source = fake.root / "a.cpp"
    source.write_text("bad")
    assert fake.run(source) == 1
    source.write_text("good")
    assert fake.run(source) == 0
    assert (fake.target.read_text(), fake.calls) == ("good", 2)


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(fake: Fake) -> None:
    fake.kept.write_text("a file")
    source = fake.root / "a.cpp"
    source.write_text("good")
    assert [fake.run(source), fake.run(source), fake.calls] == [0, 0, 2]


@pytest.mark.needs("cocotb-verilator")
def test_make_calls_it_with_our_compiler_whatever_folders_are_called(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Verilator's makefile has its rules, with a compiler of another machine."""
    cache, odd = tmp_path / "it's $HOME of #1", tmp_path / "my $c++"
    fake.binary.rename(odd)
    monkeypatch.setattr(build, "find_compiler", lambda: Compiler((str(odd), "-m64"), "1.2"))
    monkeypatch.setenv("RINGBED_CACHE", str(cache))
    monkeypatch.setenv("OBJCACHE", build._objcache())
    monkeypatch.setenv("MAKEFLAGS", build._makeflags())
    source = find_verilator().root / "include" / "verilated_threads.cpp"
    rules = "CXX = /not/here\nLINK = /not/here\nall:\n"
    rules += f"\t$(OBJCACHE) $(CXX) $(OPT_GLOBAL) -c -o {shlex.quote(str(fake.target))} {source}\n\t$(LINK) {source}\n"
    for _ in range(2):
        subprocess.run(["make", "-f", "-"], input=rules.encode(), check=True, capture_output=True)
    (folder,) = (cache / "runtime").iterdir()
    (kept,) = folder.iterdir()
    assert kept.read_text() == source.read_text() == fake.target.read_text()
    compiles, *links = fake.log.read_text().splitlines()
    assert compiles.startswith("-m64 -Os -DVL_USER_FINISH ")
    assert links == [f"-m64 {source}"] * 2
