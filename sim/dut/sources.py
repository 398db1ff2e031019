"""Files of Verilog in an order that a compiler takes: a package before what names it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ringbed.sim.dut.ports import Top
from ringbed.sim.seam.spec import Rtl

__all__ = ["in_order", "with_found"]

# comments and texts, in which no word means anything
_SILENT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
_PACKAGE = re.compile(r"\bpackage\s+(?:automatic\s+|static\s+)?(\w+)")
_USE = re.compile(r"\b(\w+)\s*::")


def in_order(paths: Sequence[Path]) -> list[Path]:
    """As given, but for packages, which come before the first file that names them."""
    texts = {path: _SILENT.sub(" ", path.read_text(encoding="utf-8", errors="replace")) for path in paths}
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
    return replace(rtl, files=tuple(in_order((*rtl.files, *top.found))) if top.found else rtl.files, read=top.files)
