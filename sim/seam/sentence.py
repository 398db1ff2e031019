"""What an error says of somebody's file: on one line, and no longer than a person reads."""

from __future__ import annotations

__all__ = ["sentence"]

MOST = 1200  # characters; of a longer one the beginning and the end are left


def sentence(text: str) -> str:
    """`text` with what stands in a file, a value of any size say, cut down to what can be read."""
    line = " ".join(text.splitlines())
    return line if len(line) <= MOST else f"{line[: MOST // 2]} ... {line[-MOST // 3 :]}"
