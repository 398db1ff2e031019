"""`ringbed nic synth`: what a NIC or its blocks take of an FPGA, and how fast their clock may be."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringbed.cli.errors import UserError
from ringbed.cli.files import must_all_be_writable, write_text
from ringbed.cli.synth_output import LIMIT_MOST, run_designs, show, write_json

if TYPE_CHECKING:
    from rich.console import Console

    from ringbed.sim.synth.blocks import Block
    from ringbed.sim.synth.flow import Design, Limits, Synthesis

__all__ = ["block_of", "must_be_a_width", "synth"]

WIDTHS = (64, 128, 256, 512)
ON_PAGE = (64, 512)
INSIDE = 2  # blocks at most that one of more than 64 bits on the page has inside: the page is made in minutes


def synth(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A NIC, as `ringbed nic list` names it.")],
    blocks: Annotated[
        list[str] | None, typer.Argument(metavar="BLOCK", help="Blocks of it, such as mac_tx; none: all of it.")
    ] = None,
    width: Annotated[int, typer.Option(metavar="BITS", help="Of the data path: 64, 128, 256 or 512.")] = 64,
    each: Annotated[bool, typer.Option("--each", help="Every block of it, each by itself.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at once; each may take 4 GiB.")] = 2,
    limit: Annotated[
        int,
        typer.Option(
            min=0, max=LIMIT_MOST, metavar="SECONDS", help="For each tool and design; 0: only what the cache has."
        ),
    ] = 1800,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures as JSON; - is stdout.")] = None,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the page of NIC and blocks, 64 and 512 bits wide.")
    ] = None,
    dut: Annotated[
        list[Path] | None, typer.Option(metavar="MAP", help="On the page as well: somebody's Verilog; may be repeated.")
    ] = None,
) -> None:
    """Look-up tables, flip-flops, block RAM, DSPs and f_max on an ECP5, by Yosys and nextpnr-ecp5.

    A block takes some seconds, all of them some minutes; a whole NIC may not be done within --limit. What is known
    already comes from the cache. A design that does not fit, or is not done in time, has a sentence instead of a
    frequency.
    """
    from rich.console import Console

    from ringbed.sim.synth.flow import Limits

    must_all_be_writable((json, page))
    console = Console(stderr=str(json) == "-" or str(page) == "-")
    limits = Limits(limit, limit)
    if page is not None:
        if blocks or each:
            raise UserError("--page is about all blocks; leave BLOCK and --each away")
        results = _write_page(name, page, dut or [], limits, jobs, console)
    elif dut:
        raise UserError("--dut is for --page; without one it is `ringbed dut synth MAP`")
    else:
        wanted = _designs(_wanted(name, blocks or [], width, each))
        results = run_designs(wanted, limits, jobs, console)
        show(results, console)
    if json is not None:
        write_json(json, results)


def must_be_a_width(name: str, width: int) -> None:
    """Raises UserError for a width that NICs are not made in."""
    if width not in WIDTHS:
        raise UserError(f"{name} is made {', '.join(map(str, WIDTHS))} bits wide, not {width}")


def block_of(name: str, block: str, width: int) -> Block:
    """A block of a NIC; raises UserError for a NIC, a block or a width that there is not."""
    (found,) = _wanted(name, [block], width, each=False)
    return found


def _wanted(name: str, blocks: Sequence[str], width: int, each: bool) -> list[Block]:
    from ringbed.sim.synth.blocks import CARDS, blocks_of, card

    if name not in CARDS:
        raise UserError(f"there is no NIC {name!r}; there is {', '.join(CARDS)}")
    must_be_a_width(name, width)
    if not blocks and not each:
        return [card(name, width)]
    there = blocks_of(name, width)
    for block in blocks:
        if block not in there:
            raise UserError(f"{name} has no block {block!r}; it has {', '.join(sorted(there))}")
    return list(there.values()) if each else [there[block] for block in blocks]


def _designs(blocks: Sequence[Block]) -> list[Design]:
    from ringbed.sim.synth.flow import Design

    return [Design.of(block.name, block.width, block.component, block.places) for block in blocks]


def _write_page(
    name: str, path: Path, maps: Sequence[Path], limits: Limits, jobs: int, console: Console
) -> list[Synthesis]:
    """Cards first, since they take longest; a block that is the same at every width is made once."""
    from ringbed.benchmarks.synth_page import page
    from ringbed.sim.synth.blocks import bridges
    from ringbed.sim.synth.dut import design_of_map
    from ringbed.sim.yosys.tools import versions

    others, tools = [design_of_map(each) for each in maps], versions()  # what a user got wrong comes first
    with console.status("elaborating cards and blocks ..."):
        cards = _designs([block for width in ON_PAGE for block in _wanted(name, [], width, each=False)])
        blocks: list[Design] = []
        for width in ON_PAGE:
            known = {design.rtlil for design in blocks}
            each = [block for block in _wanted(name, [], width, each=True) if width == 64 or block.inside <= INSIDE]
            blocks += [design for design in _designs(each) if design.rtlil not in known]
        others += _designs(bridges())
    results = run_designs([*cards, *blocks, *others], limits, jobs, console)
    own = len(cards) + len(blocks)
    text = page(tools, results[: len(cards)], results[len(cards) : own], results[own:])
    if str(path) == "-":
        sys.stdout.write(text)
    else:
        write_text(path, text)
        console.print(f"{path}: {len(results)} designs", highlight=False)
    return results
