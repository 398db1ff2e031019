"""TOML as ringbed writes it: texts and keys that read back as what they were, whatever somebody calls their ports."""

from __future__ import annotations

import re

__all__ = ["key", "quoted", "shown"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\\"]")


def quoted(value: str) -> str:
    """A text. Raises ValueError for what no TOML can hold: the name of a file whose bytes are not UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{value.encode(errors='backslashreplace').decode()!r} is not UTF-8, as TOML is") from None
    return '"' + _CONTROL.sub(lambda found: _ESCAPES.get(found[0], f"\\u{ord(found[0]):04x}"), value) + '"'


def key(name: str) -> str:
    """A key: bare where it can be, else a text (`"s_axis.tdata"`, `"a$b"`)."""
    return name if _BARE.fullmatch(name) else quoted(name)


def shown(name: str) -> str:
    """In a comment, which can hold less than a text can."""
    return name if name.isprintable() else quoted(name)
