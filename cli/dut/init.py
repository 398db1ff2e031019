"""`ringbed dut init FILE.v ...`: a port map to begin with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringbed.cli.errors import UserError
from ringbed.cli.files import must_be_writable, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringbed.sim.dut.guess import Guess
    from ringbed.sim.seam.portmap import Port

__all__ = ["dut_init"]


def dut_init(
    sources: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Your Verilog or SystemVerilog.")],
    top: Annotated[
        str, typer.Option(metavar="MODULE", help="The module; if not given, called as the first file.")
    ] = "",
    include: Annotated[
        list[Path] | None, typer.Option("--include", "-I", metavar="DIR", help="A folder of includes; may be repeated.")
    ] = None,
    block: Annotated[
        str, typer.Option(metavar="KIND", help="It is one block, not a whole NIC: tx-checksum, rx-checksum/verdict ...")
    ] = "",
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MAP", help="The map; - is the screen.")] = Path(
        "-"
    ),
) -> None:
    """Guess a port map from the ports of a module, to begin with.

    Recognizes AXI4-Lite, APB and Wishbone registers, AXI4 and request interfaces to memory, AXI4-Streams, clocks,
    resets and interrupts by the names, directions and widths of the ports. What names cannot tell is a comment in the
    map. Then `ringbed dut check MAP` says what is still missing.
    """
    from ringbed.sim.dut.ports import NoModule, module_ports
    from ringbed.sim.seam.spec import Rtl

    for path in (*sources, *(include or [])):
        path.stat()  # Verilator's word for a missing file names no file
    must_be_writable(output)
    if output.exists():
        raise UserError(f"{output} is there already: it may have been edited, and is not written over")
    top, folder = top or sources[0].stem, output.parent
    rtl = Rtl(tuple(path.resolve() for path in sources), tuple(path.resolve() for path in include or ()))
    try:
        ports = module_ports(top, rtl, {})
    except NoModule as error:
        raise UserError(f"{error}: say which one by --top MODULE") from None
    guess = _guess(top, ports, block)
    text = guess.text([_beside(path, folder) for path in sources], [_beside(path, folder) for path in include or ()])
    if str(output) == "-":
        print(text, end="")
        return
    write_text(output, text)
    print(f"{output}: {', '.join(guess.buses) or 'no bus was recognized'}; next: ringbed dut check {output}")


def _guess(top: str, ports: Mapping[str, Port], block: str) -> Guess:
    if not block:
        from ringbed.sim.dut.guess import Guess

        return Guess(top, ports)
    from ringbed.hw.formats.blocks import contract
    from ringbed.sim.dut.guess_block import BlockGuess

    kind, _, variant = block.partition("/")
    try:
        return BlockGuess(top, ports, contract(kind, variant))
    except ValueError as error:
        raise UserError(str(error)) from None


def _beside(path: Path, folder: Path) -> str:
    """As a map in `folder` names it."""
    return os.path.relpath(path.resolve(), folder.resolve())
