"""Files of somebody's Verilog: in an order that a compiler takes, and those that it asks for beside them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ringbed.sim.dut.verilog.ports import Top
from ringbed.sim.files import kind_of_no_file, read_file
from ringbed.sim.seam.spec import Rtl

__all__ = ["in_order", "missing_files", "unfit_path", "with_found"]

# Comments and texts, in which no word means anything. One without an end goes to the end: each byte is looked at once.
_SILENT = re.compile(r'//[^\n]*|/\*.*?(?:\*/|\Z)|"(?:\\.|[^"\\\n])*"?', re.DOTALL)
_PACKAGE = re.compile(r"\bpackage\s+(?:automatic\s+|static\s+)?(\w+)")
_UNFIT = re.compile(r'["\\\x00-\x1f\x7f]')  # Verilator's own lists have it unescaped
_USE = re.compile(r"\b(\w+)\s*::")


def in_order(paths: Sequence[Path]) -> list[Path]:
    """As given, but for packages, which come before the first file that names them."""
    texts = {path: _SILENT.sub(" ", read_file(path).decode(errors="replace")) for path in paths}
    home = {name: path for path, text in texts.items() for name in _PACKAGE.findall(text)}
    needs = {path: [home[name] for name in _USE.findall(text) if name in home] for path, text in texts.items()}
    found, waiting = dict[Path, None](), list(reversed(paths))
    begun = set[Path]()
    while waiting:
        path = waiting[-1]
        first = [] if path in begun else [each for each in needs[path] if each not in found and each not in begun]
        begun.add(path)
        if first:
            waiting.extend(reversed(first))
        else:
            found.setdefault(waiting.pop())
    return list(found)


def with_found(rtl: Rtl, top: Top) -> Rtl:
    """With what Verilator looked for itself among the files: no other tool has to look."""
    files = tuple(in_order((*rtl.files, *top.found))) if top.found else rtl.files
    return replace(rtl, files=files, read=top.files, data=top.data)


def missing_files(rtl: Rtl, foreign: Sequence[str]) -> Iterator[str]:
    """A sentence for each that is not there; `foreign` are its functions of C."""
    for name in rtl.data:
        if not os.path.exists(path := rtl.folder / name):
            yield f"$readmem of {name!r}: there is no such file; names are relative to the folder of the map"
        elif kind := kind_of_no_file(path):
            yield f"$readmem of {name!r}: it is {kind}, and no file"
    if foreign and not rtl.c_files:
        told = ", ".join(map(repr, foreign))
        yield f'import "DPI-C" of {told}: name the files of C or C++ that have it, c_sources = [...]'


def unfit_path(path: Path) -> str:
    """Why no tool can be told of a file or folder of this full name, in words that follow it; "" for most."""
    name = str(path)
    if _UNFIT.search(name):
        return "has a quote, a backslash or a control character in its full name, which Verilator does not read"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "has a full name that is not UTF-8"
    return ""
