"""Who is told that a model is being built, which takes a minute now and then: a person at a terminal, if nobody asks.

`SPEAKER` may be another within a context: a command with a bar of its own, a test runner that captures output.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar

__all__ = ["SPEAKER", "Progress", "quiet", "speaker"]

Progress = Callable[[str], None]  # told what begins: "running Verilator", "compiling the model, file 2 of 5"


def quiet(_text: str) -> None:
    """For those who say it otherwise."""


def _to_stderr(text: str) -> None:
    print(f"ringbed: {text}", file=sys.stderr, flush=True)


SPEAKER: ContextVar[Progress] = ContextVar("SPEAKER", default=_to_stderr)


def speaker(progress: Progress | None, what: str) -> Progress:
    """`progress`, or else one that says what is built to this context's speaker."""
    if progress is not None:
        return progress
    say = SPEAKER.get()
    return lambda text: say(f"building {what}: {text}")
