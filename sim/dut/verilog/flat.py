"""A module with flat ports around one whose ports are SystemVerilog interfaces.

Verilator elaborates a probe with an instance of each interface, and says what is in them: whatever they are made of,
widths and directions are those that the module sees.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ringbed.hw.formats.literal import Parameter, literal
from ringbed.sim.dut.verilog.ports import InterfacePorts, decoded, module_ports
from ringbed.sim.dut.verilog.tree import WAYS, Tree, VerilogError, read_tree
from ringbed.sim.seam.spec import Rtl

__all__ = ["flat_module"]

PROBE = "ringbed_probe"


@dataclass(frozen=True, slots=True)
class _Flat:
    """One flat port, and what it is inside: a signal of an interface, or, without `inner`, the module's own."""

    name: str
    width: int
    way: str
    inner: str = ""

    def declared(self) -> str:
        bits = f"[{self.width - 1}:0] " if self.width > 1 else ""
        return f"{'input ' if self.way == 'in' else 'output'} wire {bits}{_written(self.name)}"


def _plain(name: str) -> str:
    return re.sub(r"\W", "_", name, flags=re.ASCII)


def _written(name: str) -> str:
    """As Verilog has it: what is no plain name is escaped, and ends with a blank."""
    return name if _plain(name) == name else f"\\{name} "


def _instance(port: str) -> str:
    """Of the interface that a port is joined to."""
    return f"{_plain(port)}_if"


def flat_module(top: str, rtl: Rtl, parameters: Mapping[str, Parameter], name: str) -> str:
    """The SystemVerilog of a module `name`. Its interfaces have the parameters that they have when nothing is said.

    Raises VerilogError where a module has no such port, or one that cannot be made flat.
    """
    try:
        module_ports(top, rtl, parameters)
    except InterfacePorts as found:
        kinds = {port: kind.partition(".")[0] for port, kind in found.ports.items()}
    else:
        raise VerilogError(f"{top} has no interface among its ports: it needs no module around it")
    values = ", ".join(f".{key}({literal(value)})" for key, value in parameters.items())
    of_top = f"{top}{f' #({values})' if values else ''} dut"
    with tempfile.TemporaryDirectory() as work:
        probe = Path(work) / f"{PROBE}.sv"
        inside = [f"{kind} {_instance(port)} ();" for port, kind in kinds.items()]
        joined = ", ".join(f".{_written(port)}({_instance(port)})" for port in kinds)
        probe.write_text(f"module {PROBE};\n  {' '.join(inside)}\n  {of_top} ({joined});\nendmodule\n")
        tree = read_tree(PROBE, replace(rtl, files=(*rtl.files, probe)))
    ports, clocked = _flat_ports(top, tree), _inputs(tree, kinds)
    return "\n".join(_text(name, of_top, kinds, ports, clocked)) + "\n"


def _text(
    name: str, of_top: str, kinds: Mapping[str, str], ports: list[_Flat], clocked: Mapping[str, list[_Flat]]
) -> Iterator[str]:
    """`clocked`: what an interface has as ports of its own, by the port of the module."""
    known = {port.name for port in ports}
    more = {port.name: port for each in clocked.values() for port in each if port.name not in known}
    yield f"// Flat ports of {of_top.split()[0]}, whose own are interfaces; begun by `ringbed dut init`, yours now."
    yield f"module {name} ("
    yield ",\n".join(f"  {port.declared()}" for port in (*more.values(), *ports))
    yield ");"
    for port, kind in kinds.items():
        inputs = ", ".join(f".{each.inner}({each.name})" for each in clocked[port])
        yield f"  {kind} {_instance(port)} ({inputs});"
    for flat in ports:
        if flat.inner:
            yield f"  assign {f'{flat.inner} = {flat.name}' if flat.way == 'in' else f'{flat.name} = {flat.inner}'};"
    own = [f".{_written(flat.name)}({_written(flat.name)})" for flat in ports if not flat.inner]
    yield f"  {of_top} ({', '.join([*own, *(f'.{_written(port)}({_instance(port)})' for port in kinds)])});"
    yield "endmodule"


def _flat_ports(top: str, tree: Tree) -> list[_Flat]:
    found: list[_Flat] = []
    module = tree.named(top, "MODULE") or {}
    for node in module.get("stmtsp", ()):
        if node.get("type") == "VAR" and node.get("direction") in WAYS:
            found.append(_Flat(node["name"], tree.bits(node, top), WAYS[node["direction"]]))
        elif node.get("varType") == "IFACEREF":
            found += _of_interface(decoded(node["name"]), tree, tree.by_address[node["dtypep"]])
    for flat in found:
        if flat.way not in ("in", "out"):
            raise VerilogError(f"port {flat.name!r} is an inout, which nothing drives: make it two")
    return found


def _of_interface(port: str, tree: Tree, kind: Mapping[str, Any]) -> Iterator[_Flat]:
    """The signals of a port's modport."""
    side = tree.by_address.get(str(kind.get("modportp")))
    if side is None:
        raise VerilogError(f"port {port!r} is an interface without a modport: which way its signals go is not said")
    for each in side["varsp"]:
        if each.get("type") == "MODPORTVARREF":
            signal, way = tree.by_address[each["varp"]], WAYS.get(each["direction"], "inout")
            name, width = each["name"], tree.bits(signal, port)
            yield _Flat(f"{_plain(port)}_{name}", width, way, f"{_instance(port)}.{name}")


def _inputs(tree: Tree, kinds: Mapping[str, str]) -> dict[str, list[_Flat]]:
    """The ports of each interface itself, mostly a clock: connected by their names."""
    found = {}
    for port, kind in kinds.items():
        interface = tree.named(kind, "IFACE") or {}
        inside = [each for each in interface.get("stmtsp", ()) if each.get("direction") in WAYS]
        found[port] = [
            _Flat(each["name"], tree.bits(each, kind), WAYS[each["direction"]], each["name"]) for each in inside
        ]
    return found
