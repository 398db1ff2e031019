"""`ringbed drivers check MODULE:CLASS`: a driver held against what a driver owes, case by case."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringbed.cli.drivers.page import html_page
from ringbed.cli.drivers.results import Report, json_text, junit_xml, show, summary, table
from ringbed.cli.errors import Exit, UserError
from ringbed.cli.files import must_all_be_writable, write_text

if TYPE_CHECKING:
    from rich.console import Console

    from ringbed.conformance.drivers.card import Card
    from ringbed.conformance.drivers.found import Case, Outcome

__all__ = ["CheckEngine", "check"]

CARD = "em"
LIMIT_S = {"native": 120.0}  # of processor time, for a case; the others are far slower
SLOW_LIMIT_S = 7200.0


class CheckEngine(StrEnum):
    """What the card runs on."""

    NATIVE = "native"
    PYSIM = "pysim"
    COCOTB_VERILATOR = "cocotb-verilator"
    COCOTB_ICARUS = "cocotb-icarus"


def _list(wanted: bool) -> None:
    """`--list`: needs no driver."""
    if wanted:
        from ringbed.conformance.drivers.run import CASES

        width = max(len(case.name) for case in CASES)
        for case in CASES:
            typer.echo(f"{case.name:<{width}}  {case.asks}")
        raise typer.Exit()


def check(
    driver: Annotated[
        str, typer.Argument(metavar="MODULE:CLASS", help="A driver, such as my_nic:MyNic; this folder's modules count.")
    ],
    nic: Annotated[str, typer.Option(metavar="NAME", help="The card: em.")] = CARD,
    portmap: Annotated[
        Path | None,
        typer.Option("--map", metavar="MAP", help="A card of your own in its place, by its port map; its driver is "
                     "made with lladdr= too. What its manual says is not known here: fewer cases."),
    ] = None,
    engine: Annotated[
        CheckEngine, typer.Option(help="native, or one that is slower: then take single cases.")
    ] = CheckEngine.NATIVE,
    seed: Annotated[int, typer.Option(min=0, help="The same seed asks the same.")] = 1,
    case: Annotated[list[str] | None, typer.Option(metavar="CASE", help="Only this case; may be repeated.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as JSON; - is stdout.")] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a JUnit file, for CI.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write one page that a browser shows.")] = None,
    listed: Annotated[
        bool, typer.Option("--list", callback=_list, is_eager=True, help="Print the cases and what each asks, and end.")
    ] = False,
) -> None:  # fmt: skip
    """Hold a driver against what a driver owes its card and its callers: some fifty cases, in a minute or two.

    Attach, rings of every size, frames of every length, sums, segmentation, tags, filters, moderation, the link, flow
    control, resets under traffic, faults of link, bus and host, detach. Each runs on a card of its own, with the
    checker of docs/driver-checker.md on, and ends in one of three: it holds; findings, with the rule, where it is
    written, and the lines of the driver where they are known; or not applicable, with what the driver does not claim.

    A driver that does not come back ends its case, not the run. What failed comes again by the command that is printed
    with it. docs/check-your-driver.md goes through one.

    Ends with 1 when there are findings.
    """
    must_all_be_writable((json, junit, html), portmap)
    from rich.console import Console

    from ringbed.cli.drivers.load import load_driver
    from ringbed.conformance.drivers.stage import METHODS

    card, cases = _card(nic, portmap, engine), _cases(case or ())
    make = load_driver(driver, () if portmap is None else ("lladdr",), METHODS, portmap)
    console = Console(stderr=str(json) == "-")
    outcomes = list(_run(console, cases, card, make, seed, engine))
    again = _again(driver, nic, portmap, engine, seed)
    report = Report(driver, card.name, engine.value, seed, again, outcomes, case or ())
    console.print(table(report))
    show(console, report)
    console.print(f"{driver} on {card.name}, seed {seed}: {summary(report)}", highlight=False, soft_wrap=True)
    _write(report, json, junit, html)
    if report.counts()["findings"]:
        raise typer.Exit(Exit.FINDING)


def _card(nic: str, portmap: Path | None, engine: CheckEngine) -> Card:
    from ringbed.conformance.drivers.card import em_card, map_card
    from ringbed.sim.files import kind_of_no_file

    if portmap is not None:
        if engine is CheckEngine.PYSIM:
            raise UserError("--engine pysim: the card of a map is Verilog, which native and cocotb run")
        if nic != CARD:
            raise UserError(f"--nic {nic} and --map {portmap} name two cards")
        if kind := kind_of_no_file(portmap):
            raise UserError(f"{portmap} is {kind} and no file")
        return map_card(portmap, engine.value)
    if nic != CARD:
        raise UserError(f"there is no NIC {nic!r}; there is {CARD}, and --map for one of your own")
    return em_card(engine.value)


def _cases(names: Sequence[str]) -> list[Case]:
    from ringbed.conformance.drivers.run import named

    try:
        return named(names)
    except ValueError as error:
        raise UserError(str(error)) from None


def _run(
    console: Console, cases: Sequence[Case], card: Card, make: Callable[..., Any], seed: int, engine: CheckEngine
) -> Iterator[Outcome]:  # fmt: skip
    """With a bar on a terminal, and what the building of a model says above it."""
    from rich.progress import Progress

    from ringbed.cli.drivers.limit import limited
    from ringbed.conformance.drivers.run import run_cases
    from ringbed.conformance.drivers.stage import NotADriver

    limit: Callable[[], AbstractContextManager[object]] = partial(limited, LIMIT_S.get(engine.value, SLOW_LIMIT_S))
    with Progress(console=console, transient=True) as bars:
        task = bars.add_task(cases[0].name if cases else "", total=len(cases))
        try:
            for number, outcome in enumerate(run_cases(cases, card, make, seed, limit), 1):
                following = cases[number].name if number < len(cases) else ""
                bars.update(task, advance=1, description=following)
                yield outcome
        except NotADriver as error:
            raise UserError(str(error)) from None


def _again(driver: str, nic: str, portmap: Path | None, engine: CheckEngine, seed: int) -> str:
    words = ["ringbed", "drivers", "check", driver]
    words += ["--nic", nic] if portmap is None else ["--map", str(portmap)]
    words += [] if engine is CheckEngine.NATIVE else ["--engine", engine.value]
    return shlex.join([*words, "--seed", str(seed)])


def _write(report: Report, json: Path | None, junit: Path | None, html: Path | None) -> None:
    if str(json) == "-":
        typer.echo(json_text(report), nl=False)
    elif json is not None:
        write_text(json, json_text(report))
    if junit is not None:
        write_text(junit, junit_xml(report))
    if html is not None:
        write_text(html, html_page(report))
