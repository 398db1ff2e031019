"""`ringbed guest --uml`, run: the kernel is a program, and its clock is the card's, so that a run repeats itself."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ringbed.cli.errors import Exit
from ringbed.cli.guest.child import child
from ringbed.cli.guest.errand import GuestOptions, driver_of, errand
from ringbed.cli.guest.faults import GuestFaults
from ringbed.cli.guest.ground import Ground, find_uml
from ringbed.cli.guest.run import INTERRUPTED, last_words, print_piece, status_of
from ringbed.cli.serve.run import card_of, opened, show_account, until_a_signal
from ringbed.cli.serve.wires import peer_wire
from ringbed.sim.faults.plan import load_plan
from ringbed.sim.guest.initrd import initrd
from ringbed.sim.guest.tagged import TaggedEnd
from ringbed.sim.guest.uml import HOST, OUT, SAID, TOD, WORDS, UmlMachine, furnish, uml_program, uml_words
from ringbed.sim.lockstep.calendar import OutOfStep
from ringbed.sim.lockstep.card import Access
from ringbed.sim.lockstep.opened import Stepped, step
from ringbed.sim.serve.served import WireMaker

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["run_uml"]

PIECE = 1 << 16


def run_uml(
    options: GuestOptions, hear: Callable[[bytes], None] | None = None, watch: Callable[[Access], None] | None = None
) -> int:
    """What the command exits with: the script's status, or 1 with a finding. `hear` gets the script's output, `watch`
    every access of the card.

    Raises UserError, Missing, ModuleError, CacheError, BuildError, CardEnded.
    """
    from rich.console import Console

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    driver = driver_of(options)  # what is wrong with it is told before any download
    card_of(options.serve)
    make_wire, faults = _wire(options.serve.address), None
    if options.faults is not None:
        faults = GuestFaults(load_plan(options.faults))
        make_wire = faults.wire(make_wire)
    with ExitStack() as stack:
        ground = find_uml(options.kernel, options.modules, console)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ringbed-guest.")))
        (folder / "initrd").write_bytes(initrd(ground.busybox, errand(options, ground, driver)))
        furnish(folder, options.share)
        stepped = _opened(options, folder, make_wire, watch, stack, console)
        if faults is not None:
            faults.attach(stepped.engine)
        try:
            status = _boot(options, ground, stepped, folder, console, hear or print_piece)
        finally:
            if faults is not None:
                console.print(", ".join(f"{name}: {count}" for name, count in faults.counts(stepped.engine).items()))
            found = show_account(options.serve, stepped, console)
        console.print(f"every access and its clock: {stepped.card.digest[:16]}, the same in a run that was the same")
    return status or (Exit.FINDING if found else Exit.OK)


def _wire(address: str) -> WireMaker:
    """Nobody of this machine's: a stack of ours, and in every VLAN somebody who answers. Raises UserError."""
    peer = peer_wire(address)
    return lambda end, frequency: peer(TaggedEnd(end), frequency)


def _opened(
    options: GuestOptions, folder: Path, make_wire: WireMaker, watch: Callable[[Access], None] | None,
    stack: ExitStack, console: Console,
) -> Stepped:  # fmt: skip
    """The card as asked for, and what is kept of its run."""
    card = card_of(options.serve)
    made = partial(
        step, folder, card.spec, card.pci, card.reset, make_wire, tod=TOD, watch=watch or (lambda access: None)
    )
    return opened(options.serve, card, made, stack, console, partial(console.print, markup=False))


@dataclass(slots=True)
class Tail:
    """What has come to a file that grows."""

    file: IO[bytes]
    hear: Callable[[bytes], None]

    def look(self) -> None:
        while piece := self.file.read(PIECE):
            self.hear(piece)


def _boot(
    options: GuestOptions, ground: Ground, stepped: Stepped, folder: Path, console: Console,
    hear: Callable[[bytes], None],
) -> int:  # fmt: skip
    """The guest, from its start to its end: the script's status."""
    machine = UmlMachine(ground.kernel, folder)
    log, why = options.log or folder / "console", ""
    server, program = stepped.server, uml_program(machine)
    with (
        log.open("w+b", buffering=0) as said, (folder / HOST / OUT).open("rb") as out, until_a_signal(stepped),
        child(program, uml_words(machine), said, partial(_keep, said), server.stop) as kernel,
    ):  # fmt: skip
        tail = Tail(out, hear)
        try:
            server.run(tail.look)
        except OutOfStep as error:
            why = str(error)
        by_us = not server.gone and kernel.code is None
        if server.gone:
            kernel.wait()  # it takes its own devices down: a signal in the middle of that would do it twice
        kernel.end()
        tail.look()
    return _judged(folder, log, why, by_us, console)


def _keep(log: IO[bytes], piece: bytes) -> None:
    log.write(piece)


def _judged(folder: Path, log: Path, why: str, by_us: bool, console: Console) -> int:
    """The status of a script, or why there is none."""
    status = status_of((folder / HOST / WORDS).read_text(errors="replace"))
    if status is not None and not why:
        return status
    if by_us:
        console.print("the guest was ended before its script was", style="red")
        return INTERRUPTED
    console.print(f"the guest ended without a word of its script{': ' * bool(why)}{why}", style="red", markup=False)
    said = log.read_text(errors="replace") + (folder / HOST / SAID).read_text(errors="replace")
    for line in last_words(said):
        console.print(f"  {line}", markup=False)
    return Exit.FINDING
