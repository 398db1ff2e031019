"""What a card's Verilog says of itself in a simulator's output: $error, $fatal, $stop, $finish, assertions that fail.

The words are Icarus'; Verilator under cocotb is given the same (`harness/cocotb_verilator.cpp`). Neither ends a run at
an $error, and Icarus ends with success at a $finish: who does not read the output does not know.
"""

from __future__ import annotations

import ctypes
import os
import re
from dataclasses import dataclass

from ringbed.sim.seam.engine import Finding

__all__ = ["Heard", "Said", "printed", "said"]

# `Time` ends a message, which may have several lines; Icarus' own word for a file that is not there has none. Icarus 12
# tells the places of $stop and $finish, and has two spaces before Scope.
MESSAGE = re.compile(
    rb"^ERROR: (?:([^\n]*?):(\d+): )?(\$\w+[ :][^\n]*)$(?!\n +Time:)|"
    rb"^(ERROR|FATAL|STOP|FINISH): ([^\n]*?):(\d+): (.*?)\n +Time: (\d{1,20}) +Scope: |"
    rb"(?:^([^\n]*?):(\d+): \$stop called at \d+ [^\n]*\n)?"
    rb"^\*\* VVP Stop\(\d\) \*\*\n.*?^\*\* Current simulation time is (\d{1,20}) ticks\.$|"
    rb"^([^\n]*?):(\d+): \$(finish) called at (\d{1,20}) [^\n]*$",
    re.DOTALL | re.MULTILINE,
)

WHOLE = re.compile(rb"(?:" + MESSAGE.pattern + rb")[^\n]*\n?", MESSAGE.flags)  # with the scope behind it
# What cocotb and the simulator say of themselves: a line of a log, what of it is on lines of their own, a waveform.
THEIRS = re.compile(
    rb"^ *(?:-\.--|\d+\.\d+)[munpf]?s +(?:TRACE|DEBUG|INFO|WARNING|ERROR|CRITICAL) [^\n]*\n(?: {40}[^\n]*\n)*|"
    rb"^(?:FST|VCD) info: [^\n]*\n",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Said:
    """`time` in the simulator's steps; `place` is "file:line: ", or nothing where the simulator does not tell."""

    kind: str  # "error", "fatal", "stop" or "finish"
    place: str
    words: str
    time: int

    def finding(self, clock: int) -> Finding | None:
        """Of all but a $finish, which is no fault."""
        return None if self.kind == "finish" else Finding(clock, f"verilog.{self.kind}", self.place + self.words)

    def ending(self) -> str | None:
        """How it ended the card, if it did."""
        if self.kind not in ("fatal", "finish"):
            return None
        bare = f"${self.kind}"
        return self.place + (bare if self.words == bare else f"{bare}: {self.words}")


def said(output: bytes) -> list[Said]:
    """All that is told in `output`, in its order."""
    return [_of(match) for match in MESSAGE.finditer(output)]


def printed(output: bytes) -> str:
    """What of `output` is neither such a message nor the simulator's own: $display and $warning, for a person."""
    return THEIRS.sub(b"", WHOLE.sub(b"", output)).decode(errors="replace")


def _of(match: re.Match[bytes]) -> Said:
    groups = match.groups()
    bare, told, stop, finish = groups[:3], groups[3:8], groups[8:11], groups[11:15]
    if told[0] is not None:
        found = told
    elif stop[2] is not None:
        found = b"stop", *stop[:2], b"", stop[2]
    elif finish[2] is not None:
        found = b"finish", *finish[:2], b"", finish[3]
    else:
        found = b"ERROR", *bare, b"0"
    kind, path, line, words, time = ((part or b"").decode(errors="replace") for part in found)
    kind, place = kind.lower(), f"{os.path.basename(path)}:{line}: " if path else ""
    return Said(kind, place, " ".join(words.split("\n")).strip() or f"${kind}", int(time))


class Heard:
    """Of an output that is a file and grows: the simulator's own, `output`, from inside it or from outside."""

    def __init__(self, output: int = 1, inside: bool = True) -> None:
        self._output, self._at = output, 0
        self._flush = ctypes.CDLL(None).fflush if inside else None  # of all C streams of this process

    def new(self) -> list[Said]:
        """What was said since the last call."""
        return said(self.text())

    def text(self) -> bytes:
        """All that came since the last call."""
        if self._flush is not None:
            self._flush(None)
        size = os.fstat(self._output).st_size
        text = os.pread(self._output, size - self._at, self._at) if size > self._at else b""
        self._at = size
        return text
