"""`ringbed serve`, run: the card is opened as asked, served until a signal comes, and accounted for."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ringbed.cli.errors import UserError
from ringbed.cli.report import Bar, Row, write_json
from ringbed.cli.serve.card import CardToServe, is_map, own_card, somebodys_card
from ringbed.cli.serve.journeys import AccessBook
from ringbed.cli.serve.options import CARD
from ringbed.cli.serve.wires import pcap_wire, peer_wire, tap_wire
from ringbed.hw.formats.em.rules import RULES
from ringbed.sim.checker.guest.checker import GuestChecker
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.record.engine import Recording
from ringbed.sim.serve.opened import Opened
from ringbed.sim.serve.served import Served, WireMaker, serve
from ringbed.sim.wire.capture import CaptureWriter

if TYPE_CHECKING:
    from rich.console import Console

    from ringbed.sim.lockstep.opened import Stepped

__all__ = [
    "ServeOptions",
    "card_of",
    "open_served",
    "opened",
    "qemu_line",
    "run_serve",
    "show_account",
    "until_a_signal",
]

A = TypeVar("A", bound=Opened)
SHOWN = 20  # findings printed in full
SIGNALS = signal.SIGINT, signal.SIGTERM


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The command line."""

    socket: Path
    wire: str
    address: str
    tap: str
    pcap: Path | None
    capture: Path | None
    trace: Path | None
    width: int
    errata: tuple[str, ...]
    json: Path | None
    record: Path | None = None
    card: str = CARD  # a NIC's name, or a port map
    checker: bool = False
    iommu: bool = False  # the client's: each map is its driver's
    open_engine: Callable[..., NativeEngine] = NativeEngine
    perfetto: Path | None = None


def qemu_line(socket: Path) -> str:
    """What QEMU is told; the guest's memory must be in a file that is shared, or the card could not reach it."""
    device = f'{{"driver":"vfio-user-pci","socket":{{"path":"{socket.absolute()}","type":"unix"}}}}'
    memory = "-m 256M -object memory-backend-memfd,id=mem,size=256M,share=on"
    return f"qemu-system-x86_64 -M pc,memory-backend=mem {memory} -device '{device}'"


def run_serve(options: ServeOptions) -> bool:
    """Whether nothing was found. Raises UserError, SocketRefused, TapUnavailable, BuildError, CardEnded."""
    from rich.console import Console

    console = Console(stderr=str(options.json) == "-", highlight=False, soft_wrap=True)
    with ExitStack() as stack:
        card = card_of(options)
        served = open_served(options, card, _wire(options, stack), stack, console, partial(console.print, markup=False))
        _begin(options, console)
        try:
            with until_a_signal(served):
                served.server.run()
        finally:
            served.server.close()
            found = show_account(options, served, console)
    return not found


def open_served(
    options: ServeOptions, card: CardToServe, make_wire: WireMaker, stack: ExitStack, console: Console,
    say: Callable[[str], None],
) -> Served:  # fmt: skip
    """The card as asked for (`card_of`), at its socket; `stack` closes it. Raises SocketRefused, BuildError."""
    made = partial(serve, options.socket, card.spec, card.pci, card.reset, make_wire, time.monotonic_ns)
    return opened(options, card, made, stack, console, say)


def opened(
    options: ServeOptions, card: CardToServe, make: Callable[..., A], stack: ExitStack, console: Console,
    say: Callable[[str], None],
) -> A:  # fmt: skip
    """What `make` makes of the card, with all that is to be kept of its run; `stack` closes it. Raises as `make`."""
    capture = None if options.capture is None else stack.enter_context(CaptureWriter(options.capture))
    more: dict[str, Any] = {"open_engine": options.open_engine}
    if options.trace is not None:
        more["waves"] = options.trace.suffix[1:]
    if options.record is not None:
        recording = stack.enter_context(Recording(options.record))
        more["open_engine"], say = recording.engine, recording.heard(say)
    if options.checker:
        more["check"] = partial(GuestChecker, RULES, iommu=options.iommu)
    with console.status("building the card's model ...") as status:
        made = make(capture=capture, say=say, progress=lambda text: status.update(f"{text} ..."), **more)
    stack.callback(made.close)
    if card.errata:
        from ringbed.sim.errata import switch_errata  # which imports all saboteurs, and Amaranth

        switch_errata(made.engine, card.errata)
    if options.trace is not None:
        made.engine.trace(options.trace)
    if options.perfetto is not None:
        stack.callback(AccessBook(made).write, options.perfetto)
    return made


def card_of(options: ServeOptions) -> CardToServe:
    """Which card. Raises UserError, and for a port map OSError, PortMapError, BuildError."""
    if is_map(options.card):
        return somebodys_card(Path(options.card), options.width, options.errata)
    if options.card != CARD:
        raise UserError(
            f"there is no NIC {options.card!r} that can be served; there is {CARD}, and any with a port map"
        )
    return own_card(options.width, options.errata)


def _wire(options: ServeOptions, stack: ExitStack) -> WireMaker:
    if options.wire == "tap":
        return tap_wire(options.tap, stack)
    return peer_wire(options.address) if options.wire == "peer" else pcap_wire(options.pcap)


def _begin(options: ServeOptions, console: Console) -> None:
    console.print(f"served at {options.socket}; for QEMU from 10.1 on:\n  {qemu_line(options.socket)}", markup=False)
    if options.wire == "peer":
        console.print(f"at the far end of the wire: {options.address}, which answers ping")
    elif options.wire == "tap":
        console.print(f"at the far end of the wire: {options.tap}; `ip link set {options.tap} up`, and an address")


@contextmanager
def until_a_signal(served: Served | Stepped) -> Iterator[None]:
    """The first signal ends it in order; a second one as if nobody had listened."""

    def stop(number: int, frame: object) -> None:
        served.server.stop()
        _restore(before)

    before = {each: signal.signal(each, stop) for each in SIGNALS}
    try:
        yield
    finally:
        _restore(before)


def _restore(before: dict[signal.Signals, Any]) -> None:
    for each, handler in before.items():
        signal.signal(each, handler)


def show_account(options: ServeOptions, served: Served | Stepped, console: Console) -> int:
    """How many findings there were."""
    from rich.table import Table

    account, findings = served.account(), served.findings()
    account |= _recorded(options, account["frames into the card"] + account["frames out of the card"])
    took = _took(served)
    shown = Table(title="The account", title_justify="left")
    shown.add_column("what")
    shown.add_column("how many", justify="right")
    for name, count in account.items():
        shown.add_row(name, f"{count:,}")
    for name, seconds in took.items():
        shown.add_row(name, f"{seconds:.2f} s")
    console.print(shown)
    for finding in findings[:SHOWN]:
        console.print(str(finding), style="red", markup=False)
    if len(findings) > SHOWN:
        console.print(f"... and {len(findings) - SHOWN} more findings", style="red")
    if not findings:
        console.print("Nothing was found.")
    if options.json is not None:
        rows = [Row(f"serve.{name.replace(' ', '_')}", count) for name, count in account.items()]
        rows += [Row(f"serve.{name.replace(' ', '_')}", round(seconds, 3), "s") for name, seconds in took.items()]
        write_json(options.json, [*rows, Row("serve.findings", len(findings), "", Bar("==", 0))])
    return len(findings)


def _recorded(options: ServeOptions, frames: int) -> dict[str, int]:
    """Bytes of the recording until now, all of them and a frame each way."""
    if options.record is None:
        return {}
    size = os.stat(options.record).st_size
    return {"recorded bytes": size, "recorded bytes a frame": round(size / max(1, frames))}


def _took(served: Served | Stepped) -> dict[str, float]:
    """Simulated time that passed; this process's processor time, and how long the card's model was at work."""
    engine, stats = served.engine, served.engine.stats()
    return {
        "simulated time": engine.frequency.ns(engine.now) / 1e9,
        "processor time": time.process_time(),
        "model time": stats.model_ns / 1e9,
    }
