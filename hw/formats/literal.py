"""A parameter's value as Verilog writes it, for Verilator's command line, Yosys's script and a module around another.

The three have each their own way of escaping, so that a text with anything to escape is refused.
"""

from __future__ import annotations

import math
import re

__all__ = ["Parameter", "literal", "read_number", "unfit"]

Parameter = int | float | str  # a number, a `real`, a text
MOST_TEXT = 10_000  # it goes over command lines
TO_ESCAPE = re.compile(r'["\\\x00-\x1f\x7f]')
SIZED = re.compile(r"([1-9][0-9_]*)?'[sS]?([bodhBODH])([0-9a-fA-F][0-9a-fA-F_]*)")  # IEEE 1800, 5.7.1
BASES = {"b": 2, "o": 8, "d": 10, "h": 16}
REAL = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def unfit(value: str) -> str:
    """What a text must be that it is not; "" where it can be a parameter."""
    if len(value) > MOST_TEXT:
        return f"at most {MOST_TEXT} characters"
    return "without a quote, a backslash and control characters" if TO_ESCAPE.search(value) else ""


def literal(value: Parameter) -> str:
    """Raises ValueError for a text that is `unfit`, and for a number that is none."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"a number for Verilog must be finite, not {value!r}")
    if not isinstance(value, str):
        return repr(value)
    if must := unfit(value):
        raise ValueError(f"a text for Verilog must be {must}, not {value!r}")
    return f'"{value}"'


def read_number(text: str) -> int | float | None:
    """A number as Verilog, C or Python writes it, 8'hff and 2.5 too; None for what is none, or has bits unknown."""
    if len(text) > MOST_TEXT:
        return None
    try:
        return int(text, 0)
    except ValueError:
        pass
    if found := SIZED.fullmatch(text):
        return _sized(found[1], BASES[found[2].lower()], found[3])
    number = float(text) if REAL.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None


def _sized(bits: str | None, base: int, digits: str) -> int | None:
    """Cut to its bits, as Verilog does; None for a digit that its base has not."""
    try:
        value = int(digits, base)
    except ValueError:
        return None
    return value if bits is None else value & (1 << min(int(bits), 4 * MOST_TEXT)) - 1
