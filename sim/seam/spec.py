"""What an engine is told about a card: how to elaborate it, its port map, and what its RTL depends on.

`elaborate` is called only when nothing cached serves, and may import Amaranth then. The component it returns has
`.ports()`, a dict from the full Verilog name of every top-level port to its Signal; clock and reset may be missing
there, in which case the component uses the domain `sync` and the engines make both.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ringbed.hw.formats.number import several
from ringbed.sim.seam.portmap import Port, PortMap, PortMapError
from ringbed.sim.seam.words import Words

__all__ = ["NicSpec", "Rtl", "component_ports", "in_domain"]


@dataclass(frozen=True)
class Rtl:
    """Verilog or SystemVerilog that the component instantiates: files, and folders to look for includes in.

    `library` are folders in which Verilator looks for modules that are in no file; what it finds is among the `files`
    of a map that has been read. `read` are all the files that it read for it, includes too.
    `c_files`: C and C++ of the functions that it imports by DPI-C.

    What is open until it runs: `folder`, which names of files in the Verilog are relative to; `data`, those of
    $readmemh and $readmemb that are known before; `plusargs`, without their "+".
    """

    files: tuple[Path, ...]
    include: tuple[Path, ...] = ()
    read: tuple[Path, ...] = ()
    c_files: tuple[Path, ...] = ()
    folder: Path = Path()
    data: tuple[str, ...] = ()
    plusargs: tuple[str, ...] = ()
    library: tuple[Path, ...] = ()

    def source_hash(self) -> str:
        """Of every file that is compiled; raises OSError for one that is gone."""
        digest = hashlib.sha256()
        for path in dict.fromkeys((*self.files, *self.read)):
            digest.update(repr(path.name).encode() + hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def data_hash(self) -> str:
        """Of the data of its memories, for a tool that puts them into its result; raises OSError as well."""
        digest = hashlib.sha256()
        for name in self.data:
            digest.update(repr(name).encode() + hashlib.sha256((self.folder / name).read_bytes()).digest())
        return digest.hexdigest()


@dataclass(frozen=True)
class NicSpec:
    """`params` are part of the cache key and must have a stable repr; so must `sources` (files or folders).

    `rtl` is what is compiled beside the component; only engines that run Verilog can have it. `words` are what engines
    say of the card in. Without `assertions` Verilator leaves those of the Verilog out: to measure what they cost.
    """

    name: str
    elaborate: Callable[[], Any]
    portmap: PortMap
    params: Mapping[str, object] = field(default_factory=dict)
    sources: Iterable[Path] = ()
    rtl: Rtl | None = None
    words: Words = field(default_factory=Words, compare=False)
    assertions: bool = True

    def source_hash(self) -> str:
        """One hash of everything the RTL depends on but the tools: name, ports, parameters, source files."""
        digest = hashlib.sha256(repr((self.name, sorted(self.params.items()), self.portmap)).encode())
        for path in sorted(_files(self.sources)):
            digest.update(repr(path.name).encode() + hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()


def _files(sources: Iterable[Path]) -> Iterable[Path]:
    for source in sources:
        if not os.path.exists(source):
            raise FileNotFoundError(f"the source {source} of a card does not exist")
        yield from source.rglob("*.py") if os.path.isdir(source) else (source,)


def component_ports(component: Any, portmap: PortMap) -> tuple[dict[str, Any], list[Port]]:
    """The component's signals by port name, and the map's ports it leaves to the engine (clock and reset at most).

    Raises PortMapError when a port is missing, has another width, or an extra one is not in the map.
    """
    signals: dict[str, Any] = dict(component.ports())
    wanted = {port.name: port for port in portmap.ports()}
    missing = [port for name, port in wanted.items() if name not in signals]
    for port in missing:
        if port.name not in (portmap.clock, portmap.reset.port):
            raise PortMapError(f"{portmap.top} has no port {port.name!r}, which its port map names")
    if len(missing) == 1:
        raise PortMapError(f"{portmap.top} must have both clock and reset or neither; {missing[0].name!r} is missing")
    for name, signal in signals.items():
        if name not in wanted:
            raise PortMapError(f"{portmap.top} has a port {name!r} that its port map does not name")
        if len(signal) != wanted[name].width:
            raise PortMapError(
                f"port {name!r} is {several(len(signal), 'bit')} wide, its port map says {wanted[name].width}"
            )
    return signals, missing


def in_domain(component: Any) -> tuple[Any, Any, Any]:
    """A module that gives a component its domain `sync`, which it left to the engine; that domain's clock and reset."""
    from amaranth.hdl import ClockDomain, Module  # a warm start must not pay for Amaranth

    module: Any = Module()
    module.domains.sync = domain = ClockDomain("sync")
    module.submodules.card = component
    return module, domain.clk, domain.rst
