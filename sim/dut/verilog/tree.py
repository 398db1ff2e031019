"""Somebody's Verilog as Verilator has it: its tree in JSON, once it is elaborated, and how wide things in it are."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ringbed.hw.formats.literal import Parameter, literal
from ringbed.sim.native.cache import cache_dir, content_hash
from ringbed.sim.native.toolchain import LENIENT, SourceError, find_verilator, run_tool
from ringbed.sim.seam.spec import Rtl

__all__ = ["WAYS", "Tree", "VerilogError", "as_written", "read_tree"]

WAYS = {"INPUT": "in", "OUTPUT": "out", "INOUT": "inout"}
_TEXT: dict[str, Any] = {"encoding": "utf-8", "errors": "surrogateescape"}
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
INTEGERS = {"int": 32, "integer": 32, "byte": 8, "shortint": 16, "longint": 64}


class VerilogError(SourceError):
    """What Verilator says of somebody's sources; `log` has all of it, while it is there."""

    log: Path | None = None


class Tree:
    """Its `nodes` from the top, each also `by_address`, and the `files` that were read, by the letter of a place."""

    def __init__(self, nodes: Sequence[dict[str, Any]], files: Mapping[str, Path]) -> None:
        self.nodes, self.files = nodes, files
        self.by_address = {str(node["addr"]): node for node in nodes if "addr" in node}

    def of_type(self, *types: str) -> Iterator[dict[str, Any]]:
        return (node for node in self.nodes if node.get("type") in types)

    def named(self, name: str, *types: str) -> dict[str, Any] | None:
        """The first of these types that the sources call so."""
        return next((node for node in self.of_type(*types) if node.get("origName", node.get("name")) == name), None)

    def file(self, node: Mapping[str, Any]) -> Path | None:
        """That it is written in."""
        return self.files.get(str(node.get("loc", "")).partition(",")[0])

    def bits(self, variable: Mapping[str, Any], of: str) -> int:
        """Raises VerilogError where a variable is no vector of bits."""
        width = self._width(variable["dtypep"])
        if width is None:
            raise VerilogError(f"port {variable['name']!r} of {of} is not a vector of bits")
        return width

    def _width(self, address: str) -> int | None:
        """Bits of a packed type; None for any other."""
        node = self.by_address[address]
        kind = node["type"]
        if kind == "BASICDTYPE":
            return _range(node["range"]) if "range" in node else INTEGERS.get(node["keyword"], 1)
        if kind == "PACKARRAYDTYPE" and "declRange" in node:
            inner = self._width(node["refDTypep"])
            return None if inner is None else inner * _range(node["declRange"])
        if kind in ("REFDTYPE", "ENUMDTYPE", "CONSTDTYPE"):
            return self._width(node["refDTypep"])
        if kind in ("STRUCTDTYPE", "UNIONDTYPE") and node.get("packed"):
            members = [self._width(each["dtypep"]) for each in node.get("membersp", ())]
            together = sum if kind == "STRUCTDTYPE" else max
            return None if None in members else together(each or 0 for each in members)
        return None


def read_tree(top: str, rtl: Rtl, parameters: Mapping[str, Parameter] | None = None) -> Tree:
    """Of the module `top`, or of all modules where that is "".

    Raises VerilogError with Verilator's first error, BuildError where there is no Verilator.
    """
    parameters, verilator = parameters or {}, find_verilator()
    # a log of this design, since it outlives the folder and other processes ask for theirs
    log = cache_dir() / f"ports.{content_hash(top, repr(rtl), repr(parameters))[:12]}.log"
    with tempfile.TemporaryDirectory() as work:
        tree, meta = Path(work) / "tree.json", Path(work) / "meta.json"
        command = [str(verilator.binary), "--json-only", *LENIENT, "--json-only-output", str(tree)]
        command += ["--json-only-meta-output", str(meta), "--Mdir", work, *(["--top-module", top] if top else [])]
        command += [f"-G{name}={literal(value)}" for name, value in parameters.items()]
        command += [*(f"-I{folder}" for folder in (*rtl.include, *rtl.library)), *map(str, rtl.files)]
        log.unlink(missing_ok=True)
        try:
            run_tool("Verilator", command, log, {**os.environ, "VERILATOR_ROOT": str(verilator.root)}, VerilogError)
        except VerilogError as error:
            error.log = log
            raise
        nodes, files = list(_nodes(_json(tree.read_text(**_TEXT)))), _named(meta.read_text(**_TEXT))
    log.unlink(missing_ok=True)
    return Tree(nodes, files)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise VerilogError(f"what Verilator says of these sources cannot be read: {error}") from None


def _named(meta: str) -> dict[str, Path]:
    """The files by the letter of a place. Their full names are texts of C in what else is JSON."""
    found = re.findall(r'^  "(\w+)": \{"filename":"(?!<).*?", "realpath":"(.*)", "language":"[^"]*"\},?$', meta, re.M)
    return {letter: Path(as_written(name)) for letter, name in found}


def as_written(text: str) -> str:
    """A text of C as it was before its escapes: \\303\\251 is the one letter that these bytes are in UTF-8."""
    bare = re.sub(rb"\\([0-7]{3}|.)", _bare, os.fsencode(text), flags=re.DOTALL)
    return os.fsdecode(bare)


def _bare(found: re.Match[bytes]) -> bytes:
    said = found[1]
    return bytes([int(said, 8) & 0xFF]) if len(said) == 3 else _LETTERS.get(said, said)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:  # a tree of somebody's Verilog may be deep
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
        if isinstance(each, (dict, list)):
            waiting.extend(reversed(list(each.values()) if isinstance(each, dict) else each))


def _range(text: str) -> int:
    high, low = re.findall(r"-?\d+", text)
    return abs(int(high) - int(low)) + 1
