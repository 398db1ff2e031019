"""What the demo shows a person: exchanges, sums, drops, the path of one packet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ringbed.cli.demo.exchange import Exchanged
from ringbed.drivers.world import Verdict
from ringbed.sim.testbed.accounting import Leg

if TYPE_CHECKING:
    from rich.table import Table

    from ringbed.sim.trace.journey import Mark
    from ringbed.stack.stack import Stack

__all__ = ["account_table", "exchange_table", "facts_table", "journey_table", "sums", "verdict_text"]


def _table(title: str, *columns: str) -> Table:
    from rich.table import Table

    made = Table(title=title, title_justify="left")
    for column in columns:
        left = column.startswith("<")
        made.add_column(column.lstrip("<"), justify="left" if left else "right")
    return made


def exchange_table(results: Iterable[Exchanged]) -> Table:
    """One line an exchange; anything in the last three columns is a failure."""
    made = _table("Exchanges, payloads compared byte for byte", "<exchange", "sent", "right", "wrong", "lost", "stray")
    for result in results:
        bad = [str(len(result.wrong)), str(len(result.lost)), str(result.strays)]
        marked = [text if text == "0" else f"[bold red]{text}[/]" for text in bad]
        made.add_row(result.name, str(result.sent), str(result.good), *marked)
    return made


def facts_table(title: str, facts: Sequence[tuple[str, str]]) -> Table:
    """Names and values."""
    made = _table(title, "<what", "value")
    for name, value in facts:
        made.add_row(name, value)
    return made


def account_table(legs: Iterable[Leg]) -> Table:
    """Where every frame went: sent (+ doubled by a link, or cut from messages) = delivered + causes + lost."""
    made = _table("Every frame accounted for", "<way", "sent", "delivered", "<dropped, by cause", "lost")
    for leg in legs:
        causes = ", ".join(f"{name} {count}" for name, count in leg.causes.items() if count) or "-"
        sent = f"{leg.sent:,} + {sum(leg.added.values()):,}" if any(leg.added.values()) else f"{leg.sent:,}"
        made.add_row(leg.name, sent, f"{leg.delivered:,}", causes, f"{leg.lost:,}")
    return made


def journey_table(marks: Sequence[Mark]) -> Table:
    """Each stage of one packet: the card's clock, simulated time since the first stage and since the one before."""
    took = (marks[-1].ns - marks[0].ns) / 1000
    title = f"One packet's path, {took:.3f} us of simulated time"
    made = _table(title, "clock", "at, ns", "after", "<context", "<stage", "<where")
    begin = before = marks[0].ns
    for mark in marks:
        made.add_row(
            f"{mark.clock:,}", f"{mark.ns - begin:,}", f"+{mark.ns - before:,}", mark.context, mark.stage, mark.place
        )
        before = mark.ns
    return made


def verdict_text(verdicts: Counter[Verdict]) -> list[tuple[str, str]]:
    """Rows of the card's verdicts, most frequent first."""
    return [
        (f"verdict: IPv4 header {verdict.l3}, TCP/UDP {verdict.l4}", f"{count:,}")
        for verdict, count in verdicts.most_common()
    ]


def sums(stack: Stack) -> list[tuple[str, str]]:
    """Checksums by who did them, from the stack's own counters."""
    ip, udp, icmp = stack.stats.ip, stack.stats.udp, stack.stats.icmp
    hardware_in = ip.ips_inhwcsum.value + udp.udps_inhwcsum.value
    hardware_out = ip.ips_outhwcsum.value + udp.udps_outhwcsum.value
    software_in = ip.ips_inswcsum.value + udp.udps_inswcsum.value + icmp.icps_inswcsum.value
    software_out = ip.ips_outswcsum.value + udp.udps_outswcsum.value + icmp.icps_outswcsum.value
    return [
        ("sums checked by the card", f"{hardware_in:,}"),
        ("sums made by the card", f"{hardware_out:,}"),
        ("sums checked in software (ICMP, and what the card does not)", f"{software_in:,}"),
        ("sums made in software (ICMP, and what the card does not)", f"{software_out:,}"),
    ]
