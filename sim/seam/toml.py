"""TOML as any file of it is read: what is none says why, in one sentence."""

from __future__ import annotations

import tomllib
from typing import Any

__all__ = ["NotToml", "parse_toml"]


class NotToml(ValueError):
    """One sentence, without the file's name."""


def parse_toml(data: bytes | str) -> dict[str, Any]:
    """The table of a file, which may begin with a byte order mark. Raises NotToml."""
    try:
        return tomllib.loads(data.decode("utf-8-sig") if isinstance(data, bytes) else data)
    except UnicodeDecodeError as error:
        at, line = error.start, error.object.count(b"\n", 0, error.start) + 1
        raise NotToml(f"not UTF-8, as TOML is: byte {error.object[at]:#04x} in line {line}") from None
    except RecursionError:
        raise NotToml("not TOML that can be read: its tables or lists are nested too deep") from None
    except ValueError as error:  # TOMLDecodeError is one; a number of thousands of digits is another
        raise NotToml(f"not TOML: {error}") from None
