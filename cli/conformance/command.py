"""`ringbed conformance`: is this NIC right? A whole NIC, asked case by case."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringbed.cli.conformance.results import Report, junit_xml, rows_of, show, suites_table, summary
from ringbed.cli.conformance.results import json_text as result_text
from ringbed.cli.errors import EPILOG, Exit, UserError
from ringbed.cli.files import must_all_be_writable, write_text

if TYPE_CHECKING:
    from rich.console import Console

    from ringbed.conformance.nic.case import Case
    from ringbed.conformance.nic.claims import Claims
    from ringbed.conformance.nic.found import Outcome

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Is this NIC right? Thousands of cases, each with its rule and source.")

NIC = "em"


class Engine(StrEnum):
    """What the card runs on."""

    NATIVE = "native"
    PYSIM = "pysim"
    COCOTB_VERILATOR = "cocotb-verilator"
    COCOTB_ICARUS = "cocotb-icarus"


class Profile(StrEnum):
    QUICK = "quick"
    FULL = "full"


Nic = Annotated[str, typer.Option(metavar="NAME", help="The card: em.")]
SuiteName = Annotated[
    list[str] | None, typer.Option("--suite", metavar="SUITE", help="Only this suite; may be repeated.")
]
Filter = Annotated[
    str,
    typer.Option("--filter", metavar="EXPR", help="Only cases whose id, or rule, fits: patterns such as csum.tx.*, "
                 "with commas between; ! before one leaves out. Looks at all cases, whatever the profile."),
]  # fmt: skip
Errata = Annotated[
    list[str] | None,
    typer.Option("--erratum", metavar="ID[:name=value,...]", help="Ask the lab's card with this bug on; may be "
                 "repeated. `ringbed errata list` has them."),
]  # fmt: skip
Json = Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as JSON; - is stdout.")]


@app.callback()
def _root() -> None:
    pass


@app.command("list", epilog=EPILOG)
def list_(
    nic: Nic = NIC, suite: SuiteName = None, pattern: Filter = "",
    rules: Annotated[bool, typer.Option("--rules", help="Each rule with its sentence and source.")] = False,
    cases: Annotated[
        bool, typer.Option("--cases", help="Each case with its rule, and why if it does not apply.")
    ] = False,
    json: Json = None,
) -> None:  # fmt: skip
    """What the suites ask: how many cases of how many rules, and with --rules or --cases which."""
    from ringbed.cli.conformance.listing import listing, listing_text, show_listing

    must_all_be_writable((json,))
    claims, every = _table(nic)
    ids = _chosen(every, suite, Profile.FULL, pattern)
    listed = listing(claims, [case for case in every if case.id in ids])
    if str(json) == "-":
        typer.echo(listing_text(listed), nl=False)
        return
    if json is not None:
        write_text(json, listing_text(listed))
    show_listing(listed, rules, cases)


@app.command(epilog=EPILOG)
def run(
    nic: Nic = NIC,
    engine: Annotated[Engine, typer.Option(help="native, or one that is slower: then with a filter.")] = Engine.NATIVE,
    suite: SuiteName = None,
    profile: Annotated[
        Profile, typer.Option(help="quick: some cases of each rule, in a minute; full: all.")
    ] = Profile.QUICK,
    pattern: Filter = "",
    seed: Annotated[int, typer.Option(min=0, help="The same seed asks the same.")] = 1,
    erratum: Errata = None,
    json: Json = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a JUnit file, for CI.")] = None,
) -> None:
    """Ask a NIC, many cases at once, and each that fails once more alone.

    A case holds, or has findings, or does not apply, with the reason. A finding names the rule and where it is written,
    what was expected and what came, by the fields of the frame that differ, and the command that asks just that again.
    docs/judge-a-nic.md goes through one.

    Ends with 1 when there are findings, and with 2 when the two opinions on what is right differ: then the suite is
    broken and nothing is said of the NIC.
    """
    must_all_be_writable((json, junit))
    from rich.console import Console

    from ringbed.conformance.references.oracle import require_scapy

    require_scapy()
    claims, every = _table(nic)
    ids = _chosen(every, suite, profile, pattern)
    errata = _errata(erratum or ())
    console = Console(stderr=str(json) == "-")
    outcomes, seconds = _run(console, claims, every, ids, engine, seed, errata)
    report = Report(nic, engine.value, profile.value, seed, pattern, tuple(suite or ()), outcomes, seconds,
                    tuple(erratum or ()))  # fmt: skip
    console.print(suites_table(report))
    show(console, report)
    console.print(summary(report), highlight=False, soft_wrap=True)
    if str(json) == "-":
        typer.echo(result_text(report, rows_of(report)), nl=False)
    elif json is not None:
        write_text(json, result_text(report, rows_of(report)))
    if junit is not None:
        write_text(junit, junit_xml(report))
    if report.counts()["findings"]:
        raise typer.Exit(Exit.FINDING)


def _table(nic: str) -> tuple[Claims, list[Case]]:
    from ringbed.conformance.nic.claims import EM
    from ringbed.conformance.nic.table import table

    if nic != EM.name:
        raise UserError(f"there is no NIC {nic!r}; there is {EM.name}")
    return EM, table(EM)


def _chosen(every: Sequence[Case], suites: Sequence[str] | None, profile: Profile, pattern: str) -> set[str]:
    from ringbed.conformance.nic.table import chosen

    try:
        return chosen(every, suites or (), profile.value, pattern)
    except ValueError as error:
        raise UserError(str(error)) from None


def _errata(texts: Sequence[str]) -> dict[str, dict[str, int]]:
    """By id; the lab is not loaded where none is asked for. Raises UserError."""
    if not texts:
        return {}
    from ringbed.hw.errata.asked import parse_errata

    return parse_errata(texts)


def _run(
    console: Console, claims: Claims, every: Sequence[Case], ids: set[str], engine: Engine, seed: int,
    errata: Mapping[str, Mapping[str, int]],
) -> tuple[list[Outcome], dict[str, tuple[float, float]]]:  # fmt: skip
    """With a bar on a terminal; of each suite the seconds it took, of this process's own time and of the clock's."""
    from rich.progress import Progress

    from ringbed.conformance.nic.em import em_opener
    from ringbed.conformance.nic.run import Suite

    found: list[Outcome] = []
    seconds: dict[str, tuple[float, float]] = {}
    suites = list(dict.fromkeys(case.suite for case in every if case.id in ids))
    with Progress(console=console, transient=True) as bars:
        task = bars.add_task("", total=len(ids))
        asking = Suite(em_opener(engine.value, errata=errata), claims, seed)
        for name in suites:
            bars.update(task, description=name)
            own, began = time.process_time(), time.perf_counter()
            part = [case for case in every if case.suite == name]
            found += asking.run(part, ids, lambda count: bars.update(task, advance=count))
            seconds[name] = time.process_time() - own, time.perf_counter() - began
    return found, seconds
