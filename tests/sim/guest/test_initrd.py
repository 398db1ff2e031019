"""What lies in a guest's first file system, and what its first program is told, by a shell of this machine."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from ringbed.sim.guest.initrd import Errand, initrd
from ringbed.sim.guest.modules import Module
from tests.sim.guest.test_cpio import members

BASE, NIC, SHARE, VLAN = (Module(name, name.encode()) for name in ("base", "nic", "p9", "vlan"))
ERRAND = Errand("10.0.0.2/24", "10.0.0.1", [BASE, NIC], "a=1 b='2 3'", modules=[BASE, SHARE], kept=[BASE, VLAN])


def told(errand: Errand) -> dict[str, str]:
    """The variables, as a shell has them and as it hands them on."""
    text = members(initrd(b"busybox", errand))["etc/ringbed"][1].decode()
    done = subprocess.run(["sh", "-c", f"{text}\nexec env -0"], env={}, capture_output=True, text=True, check=True)
    return dict(
        line.split("=", 1) for line in done.stdout.split("\0") if line and not line.startswith(("PWD", "_", "SHLVL"))
    )


def test_modules_are_there_once_and_loaded_in_their_order() -> None:
    found = members(initrd(b"busybox", ERRAND))
    assert {name for name in found if name.startswith("modules/")} == {
        "modules/base.ko", "modules/nic.ko", "modules/p9.ko", "modules/vlan.ko",
    }  # fmt: skip
    assert found["modules/nic.ko"][1] == b"nic"
    assert found["bin/busybox"][1] == b"busybox"
    for name in ("init", "bin/busybox"):
        assert found[name][0][1] & 0o777 == 0o755
    assert {"dev", "proc", "sys", "tmp", "share", "root"} <= found.keys()


def test_what_the_first_program_is_told() -> None:
    assert told(ERRAND) == {
        "MODULES": "base p9", "KEPT": "base vlan", "DRIVER": "nic", "OPTIONS": "a=1 b='2 3'", "ADDRESS": "10.0.0.2/24",
        "FAR": "10.0.0.1",
        "RUN": "", "SHARED": "", "FAULTS": "", "LOCKSTEP": "",
    }  # fmt: skip
    other = told(replace(ERRAND, script=b"", shared=True, faulty=True, lockstep=True, options="$(false) `x`"))
    assert [other[name] for name in ("RUN", "SHARED", "FAULTS", "LOCKSTEP")] == ["1"] * 4
    assert other["OPTIONS"] == "$(false) `x`"


def test_a_script_and_tools_are_programs() -> None:
    found = members(initrd(b"", replace(ERRAND, script=b"exit 3", tools={"bin/tool": b"1", "lib64/ld.so": b"2"})))
    assert {name: found[name][1] for name in ("script", "bin/tool", "lib64/ld.so")} == {
        "script": b"exit 3", "bin/tool": b"1", "lib64/ld.so": b"2",
    }  # fmt: skip
    assert found["bin/tool"][0][1] & 0o777 == 0o755
    assert "script" not in members(initrd(b"", ERRAND))
    with pytest.raises(ValueError, match="two entries bin/busybox"):
        initrd(b"", replace(ERRAND, tools={"bin/busybox": b""}))


def test_the_first_program_is_one_for_a_shell() -> None:
    text = members(initrd(b"", ERRAND))["init"][1]
    assert text.startswith(b"#!/bin/busybox sh\n")
    subprocess.run(["sh", "-n"], input=text, check=True)
