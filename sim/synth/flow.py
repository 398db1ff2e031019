"""Synthesis for an ECP5: how much of the FPGA a design takes and how fast its clock may be, cached by content.

RTLIL -> Yosys `synth_ecp5` -> netlist -> nextpnr-ecp5 -> report. The FPGA is the LFE5U-85F, the largest there is, in
its slowest speed grade. No pins are placed ("out of context"), since most blocks have more ports than any package, and
no clock is asked for beyond the card's own, so f_max is what the tools reach when they aim at 125 MHz.

A design that does not fit, or that a tool is not done with in time, has a sentence in `why` instead of an f_max.
What both tools wrote is kept in the cache of `sim/native/cache.py`, by the hash of what they were given and who
they are.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ringbed.sim.native.cache import cache_dir, content_hash
from ringbed.sim.seam.spec import Rtl
from ringbed.sim.synth.collar import rtlil_of
from ringbed.sim.synth.names import names_of, without_sources
from ringbed.sim.synth.netlist import Cells, Route, count, fmax_of, slowest, too_large
from ringbed.sim.yosys.tools import NEXTPNR, YOSYS, ToolFailure, run, staged, versions

__all__ = ["JOBS", "Design", "Limits", "Synthesis", "synthesize", "synthesize_all"]

JOBS = 2  # processes at once; each takes up to 4 GiB
SYNTH = "read_rtlil design.il; synth_ecp5 -top top -json netlist.json"
PLACE = (
    "--85k", "--package", "CABGA756", "--speed", "6", "--out-of-context", "--timing-allow-fail", "--freq", "125",
    "--seed", "1", "--json", "netlist.json", "--report", "report.json",
)  # fmt: skip
# LUTs: above, the second router. Of em, 33,755 LUTs, the first took 30 to 90 s a thousand connections when half were
# left; the second had all but some 700 of 600,000 wires after 7 minutes, and no fewer in 4 more.
LARGE = 20_000
LARGE_TOO = ("--router", "router2")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds each tool may take for one design; with 0 it is not run, and only what the cache has is known."""

    synth: float = 900
    place: float = 1800


@dataclass(frozen=True, slots=True)
class Design:
    """`rtlil` has a module `top` in its collar; `names` has better ones for some nets; `rtl` is somebody's Verilog that
    `rtlil` instantiates; the rest is for people."""

    name: str
    width: int
    rtlil: str
    names: Mapping[str, str] = field(default_factory=dict)
    places: tuple[str, ...] = ()
    rtl: Rtl = Rtl(())
    clocks: tuple[str, ...] = ()  # which are all one here

    @classmethod
    def of(cls, name: str, width: int, component: Any, places: Sequence[str] = ()) -> Design:
        """A component of Amaranth."""
        rtlil = rtlil_of(component)
        return cls(name, width, without_sources(rtlil), names_of(rtlil), tuple(places))


@dataclass(frozen=True, slots=True)
class Synthesis:
    """The result for one design: `why` says what is missing, when something is. MHz; `cells` without the collar."""

    name: str
    width: int
    places: tuple[str, ...]
    cells: Cells | None
    fmax: float | None = None
    route: Route | None = None
    why: str = ""

    def as_object(self) -> dict[str, Any]:
        return asdict(self)


def synthesize(design: Design, limits: Limits | None = None) -> Synthesis:
    """One design, from the cache where it is there; raises SynthError when a tool is not installed."""
    limits = limits or Limits()
    made = partial(Synthesis, design.name, design.width, design.places)
    synth, place = (f"{tool} {version}" for tool, version in versions().items())
    verilog = [design.rtl.source_hash(), design.rtl.data_hash()] if design.rtl.files else []
    netlist_key = content_hash(design.rtlil, synth, SYNTH, *verilog)
    try:
        kept = _kept(f"{netlist_key}.netlist", limits.synth, partial(_synth, design))
    except ToolFailure as failure:
        return made(None, why=f"not synthesized: {failure}")
    netlist = json.loads(kept)
    cells = count(netlist)
    if over := too_large(cells):
        return made(cells, why=f"does not fit: {over}")
    options = PLACE if cells.lut < LARGE else PLACE + LARGE_TOO
    name = f"{content_hash(netlist_key, place, repr(options))}.report"
    try:
        report = json.loads(_kept(name, limits.place, partial(_place, kept, options)))
    except ToolFailure as failure:
        return made(cells, why=f"not routed: {failure}")
    return made(cells, fmax_of(report), slowest(report, netlist, design.names))


def synthesize_all(
    designs: Sequence[Design], limits: Limits | None = None, jobs: int = JOBS,
    progress: Callable[[Synthesis], None] | None = None,
) -> Iterator[Synthesis]:  # fmt: skip
    """All of them in order, `jobs` at once; `progress` is told each as it is done."""
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(synthesize, design, limits) for design in designs]
        try:
            for future in as_completed(futures):
                if progress is not None:
                    progress(future.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)  # what runs is let end, what waits is not begun
            raise
    yield from (future.result() for future in futures)


def _synth(design: Design, work: Path, seconds: float) -> bytes:
    folder = staged(design.rtl, work)
    (folder / "design.il").write_text(design.rtlil, encoding="utf-8")
    run(YOSYS, ["-q", "-p", _read(design.rtl, folder) + SYNTH], folder, seconds)
    return (folder / "netlist.json").read_bytes()


def _read(rtl: Rtl, work: Path) -> str:
    """The command for somebody's Verilog; paths are relative, for the tool has a /tmp of its own."""
    if not rtl.files:
        return ""
    files = " ".join(f'"{os.path.relpath(path, work.resolve())}"' for path in rtl.files)
    folders = " ".join(f"-I {_folder(path, work, f'include{number}')}" for number, path in enumerate(rtl.include))
    return f"read_verilog -sv -defer {folders} {files}; "


def _folder(path: Path, work: Path, name: str) -> str:
    """Yosys takes a file's name in quotes, but not a folder's: one that needs them is copied."""
    found = os.path.relpath(path, work.resolve())
    if not found.split()[1:]:
        return found
    shutil.copytree(path, work / name)
    return name


def _place(netlist: bytes, options: Sequence[str], work: Path, seconds: float) -> bytes:
    (work / "netlist.json").write_bytes(netlist)
    run(NEXTPNR, options, work, seconds)  # not quiet: what it wrote tells how far it came
    return (work / "report.json").read_bytes()


def _kept(name: str, seconds: float, make: Callable[[Path, float], bytes]) -> bytes:
    """What `make` gives in a work folder, from the cache when it is there; so is its failure in as many seconds."""
    folder = cache_dir() / "synth"
    folder.mkdir(exist_ok=True)
    result, failure = folder / f"{name}.gz", folder / f"{name}.{seconds:g}.failure"
    if os.path.exists(result):
        return gzip.decompress(result.read_bytes())
    if (tried := _longest(folder, name)) is not None and tried[0] >= seconds:
        raise ToolFailure(tried[1])
    if seconds == 0:
        raise ToolFailure("it has not been tried")
    with tempfile.TemporaryDirectory(prefix="work.", dir=folder) as work:
        try:
            data = make(Path(work), seconds)
        except ToolFailure as error:
            _write(failure, str(error).encode(), Path(work))
            raise
        _write(result, gzip.compress(data, 6, mtime=0), Path(work))
    return data


def _longest(folder: Path, name: str) -> tuple[float, str] | None:
    """The most seconds in which it failed, and what was said then."""
    failed = [
        (float(path.name.removeprefix(f"{name}.").removesuffix(".failure")), path.read_text(encoding="utf-8"))
        for path in folder.glob(f"{name}.*.failure")
    ]
    return max(failed, default=None)


def _write(target: Path, data: bytes, work: Path) -> None:
    """Whole or not at all: other processes read the same cache."""
    (work / "done").write_bytes(data)
    (work / "done").replace(target)
