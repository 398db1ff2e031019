"""`ringbed dut init FILE.v ...`: a port map to begin with."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringbed.cli.errors import UserError
from ringbed.cli.files import must_all_be_writable, write_text
from ringbed.hw.formats.literal import Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringbed.sim.dut.guess import Guess
    from ringbed.sim.seam.portmap import Port
    from ringbed.sim.seam.spec import Rtl

__all__ = ["dut_init"]


def dut_init(
    sources: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Your Verilog or SystemVerilog.")],
    top: Annotated[
        str, typer.Option(metavar="MODULE", help="The module; if not given, called as the first file.")
    ] = "",
    include: Annotated[
        list[Path] | None, typer.Option("--include", "-I", metavar="DIR", help="A folder of includes; may be repeated.")
    ] = None,
    library: Annotated[
        list[Path] | None,
        typer.Option("--library", "-y", metavar="DIR", help="A folder of modules, each in a file of its name."),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Of the module: a number or a text."),
    ] = None,
    flat: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.sv", help="Write a module with flat ports around one with interfaces, and map that."
        ),
    ] = None,
    block: Annotated[
        str, typer.Option(metavar="KIND", help="It is one block, not a whole NIC: tx-checksum, rx-checksum/verdict ...")
    ] = "",
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MAP", help="The map; - is the screen.")] = Path(
        "-"
    ),
) -> None:
    """Guess a port map from the ports of a module, to begin with.

    Takes the module that is called as the first file, or as the first that has one, and packages before what needs
    them. Recognizes AXI4-Lite, APB and Wishbone registers, AXI4 and request interfaces to memory, AXI4-Streams, clocks,
    resets and interrupts by the names, directions and widths of the ports. What names cannot tell is a comment in the
    map. Then `ringbed dut check MAP` says what is still missing.
    """
    from ringbed.sim.dut.verilog.sources import in_order
    from ringbed.sim.seam.spec import Rtl

    written = (output if str(output) != "-" else None, flat)
    must_all_be_writable(written)
    for path in filter(None, written):
        if os.path.exists(path):
            raise UserError(f"{path} is there already: it may have been edited, and is not written over")
    folders = [_there(path, True) for path in include or ()], [_there(path, True) for path in library or ()]
    files, parameters = in_order([_there(path, False) for path in sources]), _parameters(parameter or ())
    rtl = Rtl(tuple(files), tuple(folders[0]), library=tuple(folders[1]))
    if flat is not None:
        rtl, top, parameters = _flattened(rtl, top or sources[0].stem, parameters, flat)
    top, ports = _ports(rtl, [top] if top else [path.stem for path in sources], parameters)
    guess = _guess(top, ports, block)
    try:
        lists = ([_beside(path, output.parent) for path in paths] for paths in (rtl.files, rtl.include, rtl.library))
        text = guess.text(next(lists), next(lists), next(lists), parameters)
    except ValueError as error:
        raise UserError(str(error)) from None
    if str(output) == "-":
        print(text, end="")
        return
    write_text(output, text)
    print(f"{output}: {', '.join(guess.buses) or 'no bus was recognized'}; next: ringbed dut check {output}")


def _there(path: Path, folder: bool) -> Path:
    """Its full name. Verilator's word for a file that is missing, or is none, names no file."""
    from ringbed.sim.dut.verilog.sources import unfit_path
    from ringbed.sim.files import kind_of_no_file, resolved

    kind = kind_of_no_file(path)
    if folder and kind != "a folder":
        raise UserError(f"{path} is no folder")
    if kind and not folder:
        raise UserError(f"{path} is {kind}, and no file of Verilog")
    if why := unfit_path(full := resolved(path)):
        raise UserError(f"{str(path)!r} {why}")
    return full


def _parameters(given: Sequence[str]) -> dict[str, Parameter]:
    """Of `-p NAME=VALUE`: a number, in Verilog's or Python's notation, or a text, which may be in quotes."""
    from ringbed.hw.formats.literal import read_number, unfit
    from ringbed.sim.seam.toml import MOST_BITS

    found: dict[str, Parameter] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not (name.isidentifier() and name.isascii()):
            raise UserError(f"-p wants NAME=VALUE, as in WIDTH=64, not {each!r}")
        if name in found:
            raise UserError(f"-p {name} is given twice")
        text = re.fullmatch('"(.*)"', value)
        number, value = (None, text[1]) if text else (read_number(value), value)
        if number is None and (must := unfit(value)):
            raise UserError(f"-p {name} must be {must}, not {value!r}")
        if isinstance(number, int) and number.bit_length() > MOST_BITS:
            raise UserError(f"-p {name}: a number of {number.bit_length():,} bits is none that Verilog is given")
        found[name] = value if number is None else number
    return found


def _ports(
    rtl: Rtl, tops: Sequence[str], parameters: Mapping[str, Parameter]
) -> tuple[str, Mapping[str, Port]]:  # fmt: skip
    """The first of `tops` that is a module, with its ports: a file may be a package's, or an interface's."""
    from ringbed.sim.dut.verilog.ports import NoModule, module_ports

    failures = []
    for top in dict.fromkeys(tops):
        try:
            return top, module_ports(top, rtl, parameters)
        except NoModule as error:
            failures.append(error)
    raise UserError(f"{failures[0]}" + (": say which one by --top MODULE" if failures[0].modules else ""))


def _flattened(
    rtl: Rtl, top: str, parameters: Mapping[str, Parameter], path: Path
) -> tuple[Rtl, str, dict[str, Parameter]]:  # fmt: skip
    """The sources with a module around `top`, which is written to `path` and has the parameters in it."""
    from ringbed.sim.dut.verilog.flat import flat_module

    if not (path.stem.isidentifier() and path.stem.isascii()):
        raise UserError(f"--flat {path}: the module is called as its file, and {path.stem!r} is no Verilog name")
    write_text(path, flat_module(top, rtl, parameters, path.stem))
    return replace(rtl, files=(*rtl.files, path.resolve())), path.stem, {}


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
