"""`ringbed guest`, run: what it stands on is found, the card served, QEMU started, and the guest's word handed on."""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ringbed.cli.errors import Exit
from ringbed.cli.guest.child import child
from ringbed.cli.guest.errand import GuestOptions, driver_of, errand
from ringbed.cli.guest.faults import GuestFaults
from ringbed.cli.guest.ground import QemuGround, find_ground
from ringbed.cli.guest.wires import kernel_wire
from ringbed.cli.serve.run import card_of, open_served, show_account, until_a_signal
from ringbed.cli.serve.wires import peer_wire, tap_wire
from ringbed.sim.faults.plan import load_plan
from ringbed.sim.guest.initrd import initrd
from ringbed.sim.guest.qemu import Machine, machine_words
from ringbed.sim.serve.served import Served, WireMaker

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["INTERRUPTED", "last_words", "print_piece", "run_guest", "status_of"]

DEBUGGER = "tcp:127.0.0.1:1234"
LAST = 15  # lines of the console of a guest that ended without a word
INTERRUPTED = 128 + signal.SIGINT


def run_guest(
    options: GuestOptions, hear: Callable[[bytes], None] | None = None, opened: Callable[[Served], None] | None = None
) -> int:
    """What the command exits with: the script's status, or 1 with a finding. `hear` gets the script's output, in
    another thread; `opened` the card before the guest starts.

    Raises UserError, Missing, ModuleError, CacheError, BuildError, CardEnded.
    """
    from rich.console import Console

    aside = options.script is not None or str(options.serve.json) == "-"
    console = Console(stderr=aside, highlight=False, soft_wrap=True)
    card, driver = card_of(options.serve), driver_of(options)  # what is wrong with them is told before any download
    with ExitStack() as stack:
        make_wire, faults = _wire(options, stack), None
        if options.faults is not None:
            faults = GuestFaults(load_plan(options.faults))
            make_wire = faults.wire(make_wire)
        ground = find_ground(options.kernel, options.modules, console)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ringbed-guest.")))
        (folder / "initrd").write_bytes(initrd(ground.busybox, errand(options, ground, driver)))
        options = replace(options, serve=replace(options.serve, socket=folder / "card"))
        served = open_served(options.serve, card, make_wire, stack, console, lambda text: None)
        if faults is not None:
            faults.attach(served.engine)
        if opened is not None:
            opened(served)
        try:
            status = _boot(options, ground, served, console, hear or print_piece)
        finally:
            served.server.close()
            if faults is not None:
                console.print(", ".join(f"{name}: {count}" for name, count in faults.counts(served.engine).items()))
            found = show_account(options.serve, served, console)
    return status or (Exit.FINDING if found else Exit.OK)


def _wire(options: GuestOptions, stack: ExitStack) -> WireMaker:
    serve = options.serve
    if serve.wire == "peer":
        return peer_wire(serve.address)
    return tap_wire(serve.tap, stack) if serve.wire == "tap" else kernel_wire(serve.address, stack)


def _boot(
    options: GuestOptions, ground: QemuGround, served: Served, console: Console, hear: Callable[[bytes], None]
) -> int:  # fmt: skip
    """The guest, from its start to its end."""
    folder = options.serve.socket.parent
    log, words = options.log or folder / "console", folder / "words"
    ports = ["mon:stdio"] if options.script is None else [f"file:{log}", "stdio", f"file:{words}"]
    debugger = DEBUGGER if options.gdb else ""
    machine = Machine(
        options.serve.socket, ground.kernel, folder / "initrd", ports, options.share, debugger,
        iommu=options.serve.iommu,
    )  # fmt: skip
    if options.gdb:
        console.print(f"the guest waits for a debugger: gdb VMLINUX -ex 'target remote {DEBUGGER[4:]}' -ex continue")
    server, scripted = served.server, options.script is not None
    with (folder / "qemu").open("w+b") as errors, until_a_signal(served):
        with child(ground.qemu, machine_words(machine), errors, hear if scripted else None, server.stop) as qemu:
            server.run()
            by_itself = qemu.code is not None
    return _judged(folder, log, by_itself, console) if scripted else _shell_ended(folder, console)


def _judged(folder: Path, log: Path, by_itself: bool, console: Console) -> int:
    """The status of a script, or why there is none."""
    status = status_of(_text(folder / "words"))
    if status is not None:
        return status
    if not by_itself:
        console.print("the guest was ended before its script was", style="red")
        return INTERRUPTED
    console.print("the guest ended without a word of its script; the last of its console, and of QEMU:", style="red")
    for line in [*last_words(_text(log)), *_text(folder / "qemu").splitlines()[-LAST:]]:
        console.print(f"  {line}", markup=False)
    return Exit.FINDING


def last_words(console: str) -> list[str]:
    """The end of a console; first, where it is further up, the line in which a kernel that gave up says why."""
    lines = console.splitlines()
    why = next((line for line in reversed(lines) if "Kernel panic" in line), None)
    return lines[-LAST:] if why is None or why in lines[-LAST:] else [why, *lines[-LAST:]]


def _shell_ended(folder: Path, console: Console) -> int:
    """What QEMU had to say, which would have been lost on a screen of the guest's."""
    for line in _text(folder / "qemu").splitlines()[-LAST:]:
        console.print(f"QEMU: {line}", markup=False)
    return Exit.OK


def status_of(words: str) -> int | None:
    """Of the line that the guest's first program writes when the script has ended."""
    found = re.search(r"^status (\d+)$", words, re.MULTILINE)
    return None if found is None else int(found[1])


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if os.path.exists(path) else ""


def print_piece(piece: bytes) -> None:
    """To standard output, at once."""
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
