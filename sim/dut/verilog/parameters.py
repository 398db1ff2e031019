"""What a map or `-p` gives to a module's parameters, against what the module declares: a text is no number.

Verilator takes a text for any parameter, and a number of it is then the text's bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ringbed.hw.formats.literal import Parameter, read_number
from ringbed.sim.dut.verilog.tree import Tree, VerilogError, read_tree
from ringbed.sim.seam.spec import Rtl

__all__ = ["check_parameters"]

CONST = re.compile(r"(\d+)'(s?)h([0-9a-f]+)")  # as Verilator's tree has a number


def check_parameters(top: str, rtl: Rtl, parameters: Mapping[str, Parameter]) -> None:
    """Raises VerilogError for a text where a number is declared, and for a fraction where none is.

    What a parameter without a type is, its default says. Sources that need their parameters to be read tell nothing.
    """
    try:
        tree = read_tree(top, rtl) if parameters else None
    except VerilogError:
        return
    for node in _declared(tree) if tree is not None else ():
        if node["name"] in parameters and (wrong := _misfit(node, parameters[node["name"]])):
            raise VerilogError(f"parameter {node['name']} of {top} {wrong}")


def _declared(tree: Tree) -> list[Mapping[str, Any]]:
    module = next((node for node in tree.of_type("MODULE") if node.get("level") == 1), None)
    return [] if module is None else [node for node in module["stmtsp"] if node.get("isGParam")]


def _misfit(node: Mapping[str, Any], value: Parameter) -> str:
    kind = node["dtypeName"]
    if not isinstance(value, str):
        if kind == "string":
            return f"is a text, and {value!r} is a number"
        return "" if kind == "real" or isinstance(value, int) else f"is no real number, and {value!r} is one"
    if kind == "string" or (kind in ("logic", "bit") and _may_be_text(node)):
        return ""
    number = read_number(value)
    return f"is a number, and {value!r} is a text" + ("" if number is None else f"; the number is {number!r}")


def _may_be_text(node: Mapping[str, Any]) -> bool:
    """Whether a vector's default is characters, as Verilog has texts, or 0, which says nothing."""
    values = node.get("valuep") or [{}]
    found = CONST.fullmatch(str(values[0].get("name", "")))
    if found is None:
        return True
    bits, signed, digits = int(found[1]), found[2], found[3]
    text = int(digits, 16).to_bytes((bits + 7) // 8).lstrip(b"\0")
    return not text or (not signed and bits % 8 == 0 and text.isascii() and text.decode("ascii").isprintable())
