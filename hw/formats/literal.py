"""A parameter's value as Verilog writes it, for Verilator's command line, Yosys's script and a module around another.

The three have each their own way of escaping, so that a text with anything to escape is refused.
"""

from __future__ import annotations

import re

__all__ = ["literal", "unfit"]

MOST_TEXT = 10_000  # it goes over command lines
TO_ESCAPE = re.compile(r'["\\\x00-\x1f\x7f]')


def unfit(value: str) -> str:
    """What a text must be that it is not; "" where it can be a parameter."""
    if len(value) > MOST_TEXT:
        return f"at most {MOST_TEXT} characters"
    return "without a quote, a backslash and control characters" if TO_ESCAPE.search(value) else ""


def literal(value: int | str) -> str:
    """Raises ValueError for a text that is `unfit`."""
    if not isinstance(value, str):
        return str(value)
    if must := unfit(value):
        raise ValueError(f"a text for Verilog must be {must}, not {value!r}")
    return f'"{value}"'
