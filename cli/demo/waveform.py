"""A waveform of the first disagreement of a replayed capture: the rounds are played again to it, twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from ringbed.cli.demo.common import DemoOptions, open_card
from ringbed.cli.demo.pcap import ReplayCard, Wire
from ringbed.conformance.references.oracle import Oracle
from ringbed.conformance.references.replay import check_replay
from ringbed.sim.faults.plan import FaultPlan
from ringbed.sim.testbed.faults import Faults
from ringbed.sim.testbed.host import Collector
from ringbed.sim.trace.failure import Case, run_with_waveform
from ringbed.sim.wire.capture import CaptureWriter

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["record_disagreement"]


Played = tuple[list[bytes], Mapping[int, Sequence[Wire]]]


def _count(unsound: Iterable[Sequence[Wire]]) -> int:
    return sum(map(len, unsound))


class _Disagreement(AssertionError):
    pass


def record_disagreement(
    options: DemoOptions, rounds: Sequence[Played], oracle: Oracle, mtu: int, console: Console
) -> None:
    """Says where the files are. `rounds` are what was sent, the last of them the one in which something disagreed.

    Each is its frames, and what the card must drop between them (ReplayCard.unsound).
    """
    folder = options.out / "waveform"
    folder.mkdir(parents=True, exist_ok=True)
    plain = replace(options, trace=False)

    def scenario(case: Case) -> None:
        with ExitStack() as stack:
            host = open_card(plain, Faults(FaultPlan()), Collector(), stack, console, driver_options={"mtu": mtu})
            host.driver.set_promiscuous(True)
            capture = folder / "failure.pcapng"
            case.keep(capture)
            card = ReplayCard(host, stack.enter_context(CaptureWriter(capture)))
            for frames, card.unsound in rounds[:-1]:
                card(frames)
            frames, card.unsound = rounds[-1]
            before = sum(len(frames) + _count(unsound.values()) for frames, unsound in rounds[:-1])
            for bad in check_replay(card, frames, oracle):
                between = _count(wires for at, wires in card.unsound.items() if at <= bad.index)
                number = before + between + bad.index + 1
                case.blame(host.engine, "rx", number)
                raise _Disagreement(f"frame {number} of those sent: {bad.words}")

    try:
        run_with_waveform(scenario, folder, say=lambda text: console.print(text, highlight=False))
        console.print("[red]played again, nothing disagreed[/]")
    except _Disagreement as error:
        for note in error.__notes__:
            console.print(note, highlight=False, soft_wrap=True)
