"""Files that somebody's Verilog asks for beside those that its map names: data of memories, functions of C."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ringbed.sim.seam.spec import Rtl

__all__ = ["missing_files"]


def missing_files(rtl: Rtl, foreign: Sequence[str]) -> Iterator[str]:
    """A sentence for each that is not there; `foreign` are its functions of C."""
    for name in rtl.data:
        if not (rtl.folder / name).is_file():
            yield f"$readmem of {name!r}: there is no such file; names are relative to the folder of the map"
    if foreign and not rtl.c_files:
        told = ", ".join(map(repr, foreign))
        yield f'import "DPI-C" of {told}: name the files of C or C++ that have it, c_sources = [...]'
