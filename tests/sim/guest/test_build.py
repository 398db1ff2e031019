"""How a User Mode Linux is built: a source of a few lines stands in for Linux's, by the machine's own tools."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ringbed.sim import needs
from ringbed.sim.guest import build as at
from ringbed.sim.guest.build import CONFIG, PATCH, UML, lacking
from ringbed.sim.guest.parts import Fetch
from ringbed.sim.native.toolchain import BuildError
from ringbed.sim.needs import Missing

MAKEFILE = """
allnoconfig:
	cp $(KCONFIG_ALLCONFIG) .config
	$(DROPS)
linux modules:
	@echo "  CC      $@.o $(ARCH) $(SUBARCH) $$KBUILD_BUILD_TIMESTAMP"
	@echo "  LD [M]  $@"
	@mkdir -p drivers && cp platform linux && cp platform drivers/e1000.ko
	@$(BREAKS)
"""
CHANGE = """--- a/platform
+++ b/platform
@@ -1 +1 @@
-old
+new
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package, unpacked."""
    tree, target = tmp_path / "linux-source", tmp_path / "part"
    tree.mkdir()
    (target / "usr/src").mkdir(parents=True)
    for name, text in (("Makefile", MAKEFILE), ("platform", "old\n"), ("COPYING", "whose it is\n")):
        (tree / name).write_text(text)
    words = ["tar", "-cJf", str(target / "usr/src/linux-source-9.tar.xz"), "-C", str(tmp_path), tree.name]
    subprocess.run(words, check=True)
    (tmp_path / "change.patch").write_text(CHANGE)
    monkeypatch.setattr(at, "PATCH", tmp_path / "change.patch")
    (tmp_path / "work").mkdir()
    return target


@pytest.mark.needs("kernel")
def test_the_kernel_and_its_modules_stay_and_nothing_else(source: Path, tmp_path: Path) -> None:
    said, done = list[str](), list[float]()
    assert UML.build is not None
    UML.build(source, tmp_path / "work", Fetch(said.append, done.append))
    assert sorted(str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()) == [
        "COPYING", "boot/linux", "modules/e1000.ko",
    ]  # fmt: skip
    assert (source / "boot/linux").read_text() == "new\n", "it was patched"
    assert all(any(source.glob(name)) for name in UML.holds)
    assert "7 minutes of processor time" in said[-1]
    assert done == sorted(done)
    assert done[-1] == 4 / at.STEPS
    log = (tmp_path / "work" / "build.log").read_text()
    assert "linux.o um x86_64 2026-01-01" in log


@pytest.mark.needs("kernel")
def test_a_build_that_fails_says_its_first_error(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(at, "ARCH", ("BREAKS=echo 'x.c:1: error: no such thing'; false",))
    with pytest.raises(
        BuildError,
        match=r"^make of User Mode Linux failed with exit code 2 \(x\.c:1: error: no such thing\); full log: .*log",
    ):
        at.build(source, tmp_path / "work", Fetch())


@pytest.mark.needs("kernel")
def test_a_source_that_has_changed_is_our_own_mistake(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(at, "ARCH", ("DROPS=sed -i '/CONFIG_E1000=m/d;/CONFIG_INET=/d' .config",))
    with pytest.raises(RuntimeError, match="does not take CONFIG_INET=y, CONFIG_E1000=m"):
        at.build(source, tmp_path / "work", Fetch())
    with pytest.raises(RuntimeError, match=r"holds no usr/src/linux-source-\*"):
        at.build(tmp_path, tmp_path / "work", Fetch())


def test_a_machine_without_the_tools_says_so_before_anything_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    class Apt:
        def one(self, *_: str) -> NoReturn:
            raise AssertionError("this is asked too late")

    apt: Any = Apt()
    missing = replace(needs.NEEDS["kernel"], look=lambda: "flex is not on PATH")
    monkeypatch.setitem(needs.NEEDS, "kernel", missing)
    with pytest.raises(
        Missing, match=r"flex is not on PATH .*Debian: apt-get install gcc libc6-dev make flex bison bc"
    ):
        UML.find(apt)


def test_lines_that_a_configuration_lost() -> None:
    assert lacking("# a word\nA=y\n\nB=m\nC=1\n", "A=y\n# B is not set\nC=12\n") == ["B=m", "C=1"]


def test_another_recipe_is_another_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert UML.name == f"uml_{at._recipe()}"
    for name, path in (("CONFIG", CONFIG), ("PATCH", PATCH)):
        (tmp_path / name).write_text(path.read_text() + "\n")
        with monkeypatch.context() as patched:
            patched.setattr(at, name, tmp_path / name)
            assert UML.name != f"uml_{at._recipe()}"


def test_what_is_linux_s_has_linux_s_licence() -> None:
    assert "SPDX-License-Identifier: GPL-2.0-only" in PATCH.read_text()
    assert (
        "GNU GENERAL PUBLIC LICENSE\n                       Version 2, June 1991"
        in (PATCH.parent / "LICENSE").read_text()
    )
