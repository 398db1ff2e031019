"""What ports a top module of somebody's Verilog has, asked of Verilator: parameters applied, widths in bits."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringbed.sim.native.cache import cache_dir, content_hash
from ringbed.sim.native.toolchain import LENIENT, SourceError, find_verilator, run_tool
from ringbed.sim.seam.portmap import Port
from ringbed.sim.seam.spec import Rtl

__all__ = ["Top", "NoModule", "VerilogError", "module_ports", "read_top"]

NOT_FOUND, SHOWN = "was not found in design", 8  # what Verilator says of a module; how many are named instead
WAYS = {"INPUT": "in", "OUTPUT": "out", "INOUT": "inout"}
INTEGERS = {"int": 32, "integer": 32, "byte": 8, "shortint": 16, "longint": 64}


class VerilogError(SourceError):
    """What Verilator says of somebody's sources."""


class NoModule(VerilogError):
    """There is no module of that name; `modules` are there."""

    def __init__(self, top: str, modules: Sequence[str]) -> None:
        there, more = ", ".join(map(repr, modules[:SHOWN])), len(modules) - SHOWN
        super().__init__(
            f"there is no module {top!r} in these sources; there is {there}" + (f" and {more} more" if more > 0 else "")
        )


@dataclass(frozen=True)
class Top:
    """Every port by name, in the order of its declaration, and the `files` it and all below it are written in.

    `data`: the names of files that $readmemh and $readmemb read, where they are known before it runs. `foreign`: its
    functions of C (import "DPI-C").
    """

    ports: Mapping[str, Port]
    files: tuple[Path, ...] = ()
    data: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


def module_ports(top: str, rtl: Rtl, parameters: Mapping[str, int | str]) -> Mapping[str, Port]:
    """The ports alone; raises as `read_top`."""
    return read_top(top, rtl, parameters).ports


def read_top(top: str, rtl: Rtl, parameters: Mapping[str, int | str]) -> Top:
    """The module `top` of these sources; a port's `dir` may be "inout" here.

    Raises VerilogError with Verilator's first error; also when there is no module `top`, or a port has a type that is
    not a vector of bits. BuildError where there is no Verilator.
    """
    with tempfile.TemporaryDirectory() as work:
        tree, meta = Path(work) / "tree.json", Path(work) / "meta.json"
        options = [f"-G{name}={_literal(value)}" for name, value in parameters.items()]
        # a log of this design, since it outlives the folder and other processes ask for theirs
        log = cache_dir() / f"ports.{content_hash(top, repr(rtl), repr(parameters))[:12]}.log"
        try:
            _verilate(rtl, ["--top-module", top, *options], tree, meta, log)
        except VerilogError as error:
            if NOT_FOUND in str(error) and (there := _modules(rtl, Path(work), log)):
                raise NoModule(top, there) from None
            raise
        nodes = list(_nodes(json.loads(tree.read_text(encoding="utf-8"))))
        files = json.loads(meta.read_text(encoding="utf-8"))["files"].values()
    paths = (Path(each["realpath"]) for each in files if not each["filename"].startswith("<"))  # <built-in>
    return Top(_ports(top, nodes), tuple(sorted(paths)), _data(nodes), _foreign(nodes))


def _verilate(rtl: Rtl, options: Sequence[str], tree: Path, meta: Path, log: Path) -> None:
    """The design as Verilator's JSON. Raises VerilogError, and then `log` stays."""
    verilator = find_verilator()
    command = [str(verilator.binary), "--json-only", *LENIENT, "--json-only-output", str(tree)]
    command += ["--json-only-meta-output", str(meta), "--Mdir", str(tree.parent), *options]
    command += [*(f"-I{folder}" for folder in rtl.include), *map(str, rtl.files)]
    log.unlink(missing_ok=True)
    run_tool("Verilator", command, log, {**os.environ, "VERILATOR_ROOT": str(verilator.root)}, VerilogError)
    log.unlink(missing_ok=True)


def _modules(rtl: Rtl, work: Path, log: Path) -> list[str]:
    """Of these sources, in Verilator's order, those that no other one uses first; none where it does not take them."""
    tree = work / "all.json"
    try:
        _verilate(rtl, [], tree, work / "all.meta.json", log)
    except VerilogError:
        return []
    nodes = [node for node in _nodes(json.loads(tree.read_text(encoding="utf-8"))) if node.get("type") == "MODULE"]
    names = dict.fromkeys(str(node["origName"]) for node in nodes)
    return [name for name in names if name.isidentifier()]  # a pool of constants is a module too


def _ports(top: str, nodes: list[dict[str, Any]]) -> dict[str, Port]:
    types = {node["addr"]: node for node in nodes if str(node.get("type")).endswith("DTYPE")}
    module = next(node for node in nodes if node.get("type") == "MODULE" and node.get("level") == 1)
    found = {}
    for node in module["stmtsp"]:
        if node.get("type") == "VAR" and node.get("direction") in WAYS:
            width = _width(types, node["dtypep"])
            if width is None:
                raise VerilogError(f"port {node['name']!r} of {top} is not a vector of bits")
            found[node["name"]] = Port(node["name"], width, WAYS[node["direction"]])
    return found


def _data(nodes: list[dict[str, Any]]) -> tuple[str, ...]:
    """A text is quoted in Verilator's JSON, and once more."""
    names = (node["filenamep"][0] for node in nodes if node.get("type") == "READMEM")
    texts = (str(name["name"]) for name in names if name.get("type") == "CONST")
    return tuple(dict.fromkeys(text.removeprefix('\\"').removesuffix('\\"') for text in texts))


def _foreign(nodes: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(node["cname"]) for node in nodes if node.get("dpiImport")))


def _literal(value: int | str) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every node of the tree, from the top."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _nodes(each)


def _range(text: str) -> int:
    high, low = re.findall(r"-?\d+", text)
    return abs(int(high) - int(low)) + 1


def _width(types: Mapping[str, dict[str, Any]], address: str) -> int | None:
    """Bits of a packed type; None for any other."""
    node = types[address]
    kind = node["type"]
    if kind == "BASICDTYPE":
        return _range(node["range"]) if "range" in node else INTEGERS.get(node["keyword"], 1)
    if kind == "PACKARRAYDTYPE" and "declRange" in node:
        inner = _width(types, node["refDTypep"])
        return None if inner is None else inner * _range(node["declRange"])
    if kind in ("REFDTYPE", "ENUMDTYPE", "CONSTDTYPE"):
        return _width(types, node["refDTypep"])
    if kind in ("STRUCTDTYPE", "UNIONDTYPE") and node.get("packed"):
        members = [_width(types, each["dtypep"]) for each in node.get("membersp", ())]
        together = sum if kind == "STRUCTDTYPE" else max
        return None if None in members else together(each or 0 for each in members)
    return None
