"""`ringbed nic test`, `stats` and `registers`: a card is opened on an engine, its driver attached, and asked.

Each command opens a card of its own and closes it again; there is no other running card that it could reach. What a
person sees is what `driver.ethtool` says (docs/ethtool.md); `stats` and `registers` send frames first, so that there
is something to see.
"""

from __future__ import annotations

import json as json_module
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringbed.cli.errors import Exit, UserError
from ringbed.cli.files import must_be_writable, write_text
from ringbed.cli.report import Bar, Row, as_object

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ringbed.drivers.ethtool import Check, RegisterValue
    from ringbed.sim.testbed.host import Collector, Host

__all__ = ["registers", "self_test", "stats"]

PEER, KIND = bytes.fromhex("020000000099"), bytes.fromhex("88b5")  # an experimental type: no offload knows it
HEADER, SHORTEST, LONGEST = 14, 60, 1514  # bytes, without FCS
BATCH = 16  # frames each way at once: far fewer than a ring has descriptors
STEP_NS = 1_000_000
LIMIT_NS = 10_000_000_000  # QEMU's receiver rests for a second after each write to RCTL


class EngineName(StrEnum):
    """What the card runs on."""

    AUTO = "auto"
    NATIVE = "native"
    PYSIM = "pysim"
    QEMU = "qemu"


Name = Annotated[str, typer.Argument(metavar="NAME", help="A NIC, as `ringbed nic list` names it.")]
On = Annotated[
    EngineName,
    typer.Option(help="native: the RTL as compiled C++. pysim: the RTL on Amaranth's simulator, far slower. auto: "
                 "native if it can be built here, else pysim. qemu: QEMU's model of the same card."),
]  # fmt: skip
Json = Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as JSON; - is stdout.")]
Frames = Annotated[int, typer.Option(min=0, max=100_000, help="How many each way before the look.")]
Seed = Annotated[int, typer.Option(help="Of their sizes and bytes.")]


def self_test(name: Name, engine: On = EngineName.AUTO, online: Annotated[
    bool, typer.Option("--online", help="Only link and EEPROM, as if the card had users.")
] = False, json: Json = None) -> None:  # fmt: skip
    """Test a card as `ethtool -t` does: link, registers, EEPROM, PHY, interrupts, and frames through both loopbacks.

    A check that failed says what was seen. QEMU's model fails `registers` and `mac loopback`: it lacks registers that
    the card has, and loops only at the PHY (docs/nics/em.md).

    Ends with 1 when a check failed.
    """
    console = _begin(name, json)
    with _host(engine, console) as host:
        checks = host.driver.ethtool.self_test(offline=not online)
    console.print(_check_table(f"Self test of {name}", checks))
    if json is not None:
        rows = [Row(f"nic.{name}.test.{each.name}", int(each.passed), "", Bar("==", 1)) for each in checks]
        _write_json(json, rows, [{"detail": each.detail} for each in checks])
    if not all(each.passed for each in checks):
        raise typer.Exit(Exit.FINDING)


def stats(name: Name, engine: On = EngineName.AUTO, frames: Frames = 32, seed: Seed = 1, every: Annotated[
    bool, typer.Option("--all", help="Show counters that are 0 as well.")
] = False, json: Json = None) -> None:  # fmt: skip
    """Send frames through a card, then show its statistics as `ethtool -S` does: all since the driver attached.

    The frames are unicast, 60 to 1514 bytes long by the seed, as many from the wire to the host as from the host to
    the wire. JSON holds every counter, those that are 0 too.

    Ends with 1 when a frame did not arrive, or not as it was sent.
    """
    console = _begin(name, json)
    with _host(engine, console) as host:
        wrong = _traffic(host, frames, seed)
        counts = host.driver.ethtool.statistics()
    console.print(_count_table(f"Statistics of {name}, {frames} frames each way", counts, every))
    if json is not None:
        _write_json(json, [Row(f"nic.{name}.stats.{key}", count) for key, count in counts.items()])
    _end(console, wrong)


def registers(name: Name, wanted: Annotated[
    list[str] | None, typer.Argument(metavar="REGISTER", help="Such as RCTL or rdlen; none: all of them.")
] = None, engine: On = EngineName.AUTO, frames: Frames = 32, seed: Seed = 1, json: Json = None) -> None:  # fmt: skip
    """Send frames through a card, then show its registers and their fields as `ethtool -d` does.

    Looking changes nothing in the card. Of an array the entries that are not 0 are shown, and the first. Statistics
    are left out, since a driver's look clears them (`ringbed nic stats`), and so is what can only be written.
    The frames are those of `ringbed nic stats`.

    Ends with 1 when a frame did not arrive, or not as it was sent.
    """
    console = _begin(name, json)
    names = _known(wanted or [])
    with _host(engine, console) as host:
        wrong = _traffic(host, frames, seed)
        values = host.driver.ethtool.registers(names)
    if missing := [each for each in names if each not in {value.name.partition("[")[0] for value in values}]:
        raise UserError(f"{', '.join(missing)} cannot be looked at: it is a statistic, or can only be written")
    console.print(_register_table(f"Registers of {name}, after {frames} frames each way", values))
    if json is not None:
        rows = [Row(f"nic.{name}.registers.{each.name}", each.value) for each in values]
        _write_json(json, rows, [{"offset": each.offset, "fields": dict(each.fields)} for each in values])
    _end(console, wrong)


# ---- a card and its traffic ----


def _begin(name: str, json: Path | None) -> Console:
    """What can be refused is refused before a model is built."""
    from rich.console import Console

    from ringbed.hw.formats.page import CARDS

    if name not in CARDS:
        raise UserError(f"there is no NIC {name!r}; there is {', '.join(CARDS)}")
    if json is not None:
        must_be_writable(json)
    return Console(stderr=str(json) == "-", highlight=False)  # JSON alone on standard output


def _known(wanted: Sequence[str]) -> list[str]:
    """Names in capitals, each once; raises UserError for one that no register has."""
    from ringbed.hw.formats import em

    there = {register.name for register in em.REGISTERS}
    names = list(dict.fromkeys(each.upper() for each in wanted))
    if unknown := [each for each in names if each not in there]:
        raise UserError(f"em has no register {', '.join(unknown)}; `ringbed nic info em` lists them")
    return names


@contextmanager
def _host(engine: EngineName, console: Console) -> Iterator[Host[Collector]]:
    """A card with its driver up and its link there; raises UserError when no link comes."""
    from ringbed.sim.testbed.assembly import open_host
    from ringbed.sim.testbed.host import Collector

    settings: dict[str, Any] = {"leap": True} if engine is EngineName.QEMU else {}
    with console.status("") as status:
        host = open_host(
            "em0", Collector(), engine=engine.value, say=console.print, progress=status.update, **settings
        )  # fmt: skip
        try:
            host.up()
            if not _until(host, lambda: host.upper.link_up):
                raise UserError(f"the card's link does not come up on {engine.value}", Exit.FINDING)
            yield host
            host.down()
        finally:
            host.engine.close()


def _until(host: Host[Collector], done: Callable[[], bool]) -> bool:
    """Let simulated time pass until `done()`; False when it took too long."""
    end = host.now + LIMIT_NS
    while not done():
        if host.now >= end:
            return False
        host.advance(host.now + STEP_NS)
    return True


def _traffic(host: Host[Collector], count: int, seed: int) -> str:
    """`count` frames each way, a batch at a time; what is wrong with what came, '' when nothing is."""
    rng = random.Random(seed)
    wrong = ""
    for start in range(0, count, BATCH):
        wrong = wrong or _exchange(host, rng, min(BATCH, count - start))
    return wrong


def _exchange(host: Host[Collector], rng: random.Random, count: int) -> str:
    """`count` frames in from the wire and other `count` out of the host, and whether each arrived as it was."""
    from ringbed.drivers.world import TxFrame
    from ringbed.sim.wire.frame import to_wire

    ours = host.driver.lladdr
    inward = [ours + PEER + KIND + rng.randbytes(rng.randint(SHORTEST, LONGEST) - HEADER) for _ in range(count)]
    outward = [PEER + ours + KIND + rng.randbytes(rng.randint(SHORTEST, LONGEST) - HEADER) for _ in range(count)]
    for frame in inward:
        host.engine.wire_in(to_wire(frame), host.engine.now)
    taken = host.driver.transmit(0, [TxFrame([frame]) for frame in outward])
    left: list[bytes] = []

    def all_came() -> bool:
        left.extend(frame for _, frame in host.engine.wire_out())
        return len(left) >= taken and len(host.upper.frames) >= count

    came_in_time = _until(host, all_came)
    received = [frame.data for frame in host.upper.take()]
    if taken < count or not came_in_time:
        return f"of {count} frames each way, {len(received)} were received and {len(left)} sent"
    if received != inward or left != [to_wire(frame) for frame in outward]:
        return "a frame arrived changed, or out of order"
    return ""


# ---- what is shown and written ----


def _table(title: str, *columns: str) -> Table:
    from rich import box
    from rich.table import Table

    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column == "count" else "left", overflow="fold")
    return made


def _check_table(title: str, checks: Sequence[Check]) -> Table:
    from rich.markup import escape

    made = _table(title, "check", "", "what was seen")
    for each in checks:
        made.add_row(each.name, "[green]passed[/]" if each.passed else "[bold red]failed[/]", escape(each.detail))
    return made


def _count_table(title: str, counts: Mapping[str, int], every: bool) -> Table:
    made = _table(title, "counter", "count")
    for key, count in counts.items():
        if count or every:
            made.add_row(key, f"{count:,}")
    return made


def _register_table(title: str, values: Sequence[RegisterValue]) -> Table:
    from rich.markup import escape

    made = _table(title, "offset", "register", "value", "fields")
    for each in values:
        fields = " ".join(f"{key}={value:#x}" if value > 9 else f"{key}={value}" for key, value in each.fields.items())
        made.add_row(f"{each.offset:05x}", escape(each.name), f"{each.value:08x}", escape(fields))
    return made


def _write_json(path: Path, rows: Sequence[Row], more: Sequence[Mapping[str, Any]] = ()) -> None:
    """The one shape of cli/report.py; `more` are further keys, for each row its own."""
    shape = as_object(rows)
    for row, keys in zip(shape["rows"], more, strict=False):
        row.update(keys)
    text = json_module.dumps(shape, indent=2) + "\n"
    if str(path) == "-":
        typer.echo(text, nl=False)
    else:
        write_text(path, text)


def _end(console: Console, wrong: str) -> None:
    if wrong:
        console.print(f"[bold red]{wrong}[/]")
        raise typer.Exit(Exit.FINDING)
