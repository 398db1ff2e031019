"""What `ringbed guest` has a guest do, by its command line: its address, its driver, what is loaded and run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ringbed.cli.guest.ground import Ground
from ringbed.cli.serve.run import ServeOptions
from ringbed.cli.serve.wires import far_end
from ringbed.sim.files import read_file
from ringbed.sim.guest.initrd import Errand
from ringbed.sim.guest.modules import Module, read_module

__all__ = ["GuestOptions", "addresses", "driver_of", "errand"]

DRIVER = "e1000"  # of the kernel's modules, for em
SHARING = ("9pnet_virtio", "9p")
KEPT = ("8021q",)  # for a script to load


@dataclass(frozen=True, slots=True)
class GuestOptions:
    """The command line; `serve` is what `ringbed serve` would be told of card, wire and records."""

    kernel: Path | None
    modules: Path | None
    script: Path | None
    module: Path | None
    parameters: str
    share: Path | None
    gdb: bool
    log: Path | None
    faults: Path | None
    serve: ServeOptions
    uml: bool = False


def errand(options: GuestOptions, ground: Ground, driver: str | Module) -> Errand:
    """`driver` as of `driver_of`. Raises UserError, ModuleError, OSError with a file's name, Missing."""
    far, own = addresses(options.serve.address)
    return Errand(
        own, far, ground.modules.order(driver), options.parameters,
        modules=ground.modules.order(*SHARING) if options.share is not None and not options.uml else (),
        kept=ground.modules.order(*(name for name in KEPT if name in ground.modules)),
        script=None if options.script is None else read_file(options.script),
        shared=options.share is not None, faulty=options.faults is not None, lockstep=options.uml,
        tools=ground.tools,
    )  # fmt: skip


def driver_of(options: GuestOptions) -> str | Module:
    """The stock one's name, or one's own. Raises ModuleError, OSError with the file's name."""
    return DRIVER if options.module is None else read_module(options.module)


def addresses(far: str) -> tuple[str, str]:
    """The far end's, and one with its bits that is free for the guest: the first of the network that is another.

    Raises UserError.
    """
    known = far_end(far)
    free = next(host for host in known.network.hosts() if host != known.ip)
    return str(known.ip), f"{free}/{known.network.prefixlen}"
