"""The first file system of a guest: busybox, the driver with what it needs, a script, and what they are told."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ringbed.sim.guest.cpio import Entry, archive, device, file, folder
from ringbed.sim.guest.modules import Module

__all__ = ["Errand", "initrd"]

INIT = Path(__file__).parent / "init"
FOLDERS = ("dev", "etc", "modules", "host", "proc", "root", "run", "share", "sys", "tmp")


@dataclass(frozen=True, slots=True)
class Errand:
    """What a guest is to do.

    `address` is eth0's, with its bits; `far` the other end's. `modules` are loaded before the driver, which is the last
    of `driver` and gets `options`; `kept` are there to be loaded by a script. `script` None: a shell. `tools` are
    programs for /bin, with the libraries that each of them needs by their full names in the guest. `faulty`: a plan of
    faults is at work, and a script is told so. `lockstep`: it is a User Mode Linux, and what it prints goes to its
    folder of the host.
    """

    address: str
    far: str
    driver: Sequence[Module]
    options: str = ""
    modules: Sequence[Module] = ()
    kept: Sequence[Module] = ()
    script: bytes | None = None
    shared: bool = False
    faulty: bool = False
    lockstep: bool = False
    tools: Mapping[str, bytes] = field(default_factory=dict)


def initrd(busybox: bytes, errand: Errand) -> bytes:
    """The archive. Raises ValueError for two tools of one name."""
    return archive(
        [
            *map(folder, FOLDERS),
            device("dev/console", 5, 1),
            file("init", INIT.read_bytes(), 0o755),
            file("bin/busybox", busybox, 0o755),
            file("etc/ringbed", _told(errand).encode()),
            *(file(f"modules/{module.name}.ko", module.data) for module in _once(errand)),
            *(file(name.lstrip("/"), data, 0o755) for name, data in errand.tools.items()),
            *_script(errand),
        ]
    )


def _script(errand: Errand) -> list[Entry]:
    return [] if errand.script is None else [file("script", errand.script, 0o755)]


def _once(errand: Errand) -> Iterable[Module]:
    """Each module once: what the driver needs may be needed by others."""
    return {each.name: each for each in (*errand.modules, *errand.kept, *errand.driver)}.values()


def _told(errand: Errand) -> str:
    """Variables of a shell."""
    *needed, driver = errand.driver
    before = {each.name: None for each in (*errand.modules, *needed)}
    variables = {
        "MODULES": " ".join(before), "KEPT": " ".join(each.name for each in errand.kept), "DRIVER": driver.name,
        "OPTIONS": errand.options, "ADDRESS": errand.address, "FAR": errand.far,
        "RUN": "" if errand.script is None else "1", "SHARED": "1" if errand.shared else "",
        "FAULTS": "1" if errand.faulty else "",
        "LOCKSTEP": "1" if errand.lockstep else "",
    }  # fmt: skip
    lines = (f"{name}={shlex.quote(value)}\n" for name, value in variables.items())
    return "".join(lines) + f"export {' '.join(variables)}\n"
