"""What ports a top module of somebody's Verilog has, asked of Verilator: parameters applied, widths in bits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringbed.hw.formats.literal import Parameter
from ringbed.sim.dut.verilog.parameters import check_parameters
from ringbed.sim.dut.verilog.tree import WAYS, Tree, VerilogError, as_written, read_tree
from ringbed.sim.seam.portmap import Port
from ringbed.sim.seam.spec import Rtl

__all__ = ["InterfacePorts", "NoModule", "Top", "VerilogError", "decoded", "module_ports", "read_top"]

NOT_FOUND, SHOWN = "was not found in design", 8  # what Verilator says of a module; how many are named instead
INTERFACE = "Interfaced port on top level module"
ENCODED = re.compile(r"__0([0-9A-Fa-f]{2})")  # a character of an escaped name, as Verilator's tree has it
WORDS = {"PACKAGE": "a package", "IFACE": "an interface"}  # what Verilator takes for a top without a word


class NoModule(VerilogError):
    """There is no module of that name, but perhaps `another` thing; `modules` are there."""

    def __init__(self, top: str, modules: Sequence[str], another: str = "") -> None:
        self.modules = modules
        there, more = ", ".join(map(repr, modules[:SHOWN])) or "none that Verilator reads", len(modules) - SHOWN
        said = f"{top!r} is {another} and no module" if another else f"there is no module {top!r} in these sources"
        super().__init__(f"{said}; there is {there}" + (f" and {more} more" if more > 0 else ""))


class InterfacePorts(VerilogError):
    """The module has ports that are SystemVerilog interfaces: `ports`, each with its interface's name."""

    def __init__(self, top: str, ports: Mapping[str, str]) -> None:
        self.ports = ports
        (name, kind), *_ = ports.items()
        super().__init__(
            f"port {name!r} of {top} is an interface, {kind}, which no engine drives: "
            "`ringbed dut init --flat FILE.sv` writes a module with flat ports around it, and the map of that"
        )


@dataclass(frozen=True)
class Top:
    """Every port by name, in the order of its declaration, and the `files` it and all below it are written in.

    `data`: the names of files that $readmemh and $readmemb read, where they are known before it runs. `foreign`: its
    functions of C (import "DPI-C").
    """

    ports: Mapping[str, Port]
    files: tuple[Path, ...] = ()
    found: tuple[Path, ...] = ()  # of them those of modules that Verilator looked for itself
    data: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


def module_ports(top: str, rtl: Rtl, parameters: Mapping[str, Parameter]) -> Mapping[str, Port]:
    """The ports alone; raises as `read_top`."""
    return read_top(top, rtl, parameters).ports


def read_top(top: str, rtl: Rtl, parameters: Mapping[str, Parameter]) -> Top:
    """The module `top` of these sources; a port's `dir` may be "inout" here.

    Raises VerilogError with Verilator's first error; also when there is no module `top`, a port has a type that is not
    a vector of bits, or a parameter is given what it is not (`check_parameters`). BuildError where there is no
    Verilator.
    """
    check_parameters(top, rtl, parameters)
    try:
        tree = read_tree(top, rtl, parameters)
    except VerilogError as error:
        if NOT_FOUND in str(error):
            raise NoModule(top, _modules(rtl)) from None
        if INTERFACE in str(error) and (ports := _interfaces(error.log)):
            raise InterfacePorts(top, ports) from None
        raise
    module = next((node for node in tree.of_type("MODULE") if node.get("level") == 1), None)
    another = tree.named(top, *WORDS)
    if module is None or another is not None:  # what Verilator needs no more of a package is not even in its tree
        raise NoModule(top, _modules(rtl), WORDS[another["type"]] if another else "a package or an interface")
    files = tuple(sorted(tree.files.values()))
    return Top(_ports(top, module, tree), files, _looked_for(tree, rtl), _data(tree), _foreign(tree))


def _modules(rtl: Rtl) -> list[str]:
    """Of these sources, in Verilator's order, those that no other one uses first; none where it does not take them."""
    try:
        nodes = read_tree("", rtl).of_type("MODULE")
    except VerilogError:
        return []
    names = dict.fromkeys(decoded(str(node["origName"])) for node in nodes)
    return [name for name in names if not name.startswith("@")]  # a pool of constants is a module too


def decoded(name: str) -> str:
    """As it is in the source."""
    return ENCODED.sub(lambda found: chr(int(found[1], 16)), name)


def _ports(top: str, module: Mapping[str, Any], tree: Tree) -> dict[str, Port]:
    return {
        node["name"]: Port(node["name"], tree.bits(node, top), WAYS[node["direction"]])
        for node in module["stmtsp"] if node.get("type") == "VAR" and node.get("direction") in WAYS
    }  # fmt: skip


def _looked_for(tree: Tree, rtl: Rtl) -> tuple[Path, ...]:
    """The files of modules and packages that are not among the sources: Verilator has looked for them by name."""
    given = {path.resolve() for path in rtl.files}
    found = dict.fromkeys(tree.file(node) for node in tree.of_type("MODULE", *WORDS))
    return tuple(path for path in found if path is not None and path not in given)


def _interfaces(log: Path | None) -> dict[str, str]:
    """The interface of each port that is one, by the places that Verilator names in its complaints."""
    said = log.read_text(encoding="utf-8", errors="replace") if log is not None else ""
    found = {}
    for path, line, column in re.findall(rf"^%Error[^:]*: (.*):(\d+):(\d+): .*{INTERFACE}", said, re.MULTILINE):
        text = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()[int(line) - 1]
        name = re.match(r"\\(\S+)|(\w+)", text[int(column) - 1 :])
        kind = re.search(r"(\w+(?:\.\w+)?)\s*$", text[: int(column) - 1])
        if name and kind:
            found[name[1] or name[2]] = kind[1]
    return found


def _data(tree: Tree) -> tuple[str, ...]:
    """A text is quoted in Verilator's JSON, and once more."""
    names = (node["filenamep"][0] for node in tree.of_type("READMEM"))
    texts = (str(name["name"]) for name in names if name.get("type") == "CONST")
    return tuple(dict.fromkeys(as_written(text.removeprefix('\\"').removesuffix('\\"')) for text in texts))


def _foreign(tree: Tree) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(node["cname"]) for node in tree.nodes if node.get("dpiImport")))
