"""TOML as any file of it is read: what is none says why, in one sentence."""

from __future__ import annotations

import tomllib
from typing import Any

__all__ = ["MOST_BITS", "MOST_LENGTH", "NotToml", "parse_toml"]

MOST_LENGTH = 4 << 20  # of a text: it takes seconds to read, and nobody writes a longer one
MOST_BITS = 8192  # of a number, which need not be decimal: Python writes none of 4,300 digits into a sentence


class NotToml(ValueError):
    """One sentence, without the file's name."""


def parse_toml(data: bytes | str) -> dict[str, Any]:
    """The table of a file, which may begin with a byte order mark. Raises NotToml."""
    if len(data) > MOST_LENGTH:
        raise NotToml(f"not TOML that can be read: it is {len(data):,} long, and {MOST_LENGTH:,} is the most")
    try:
        table = tomllib.loads(data.decode("utf-8-sig") if isinstance(data, bytes) else data)
    except UnicodeDecodeError as error:
        at, line = error.start, error.object.count(b"\n", 0, error.start) + 1
        raise NotToml(f"not UTF-8, as TOML is: byte {error.object[at]:#04x} in line {line}") from None
    except RecursionError:
        raise NotToml("not TOML that can be read: its tables or lists are nested too deep") from None
    except ValueError as error:  # TOMLDecodeError is one; a number of thousands of digits is another
        raise NotToml(f"not TOML: {error}") from None
    _must_be_short(table)
    return table


def _must_be_short(table: dict[str, Any]) -> None:
    waiting: list[Any] = [table]
    while waiting:
        each = waiting.pop()
        if isinstance(each, int) and each.bit_length() > MOST_BITS:
            raise NotToml(f"not TOML that can be read: a number has {each.bit_length():,} bits")
        if isinstance(each, (dict, list)):
            waiting.extend(each.values() if isinstance(each, dict) else each)
