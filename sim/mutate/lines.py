"""The lines of the source behind a cell that Yosys made: those of the nearest cells that read what it drives.

A cell of the source says its lines itself. What `proc` makes of an `If`, or of a register's reset, does not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

__all__ = ["Lines", "lines_of"]

SOURCE = re.compile(r'^ *attribute \\src "(.*)"$')
CELL = re.compile(r"^ *cell \S+ (\S+)$")
PIN = re.compile(r"^ *connect \\(\S+) (.*)$")
NET = re.compile(r"[\\$][^\s\[\]{}]*")
DRIVES = ("Y", "Q", "RD_DATA")
Lines = Mapping[str, tuple[str, ...]]


def lines_of(rtlil: str) -> Lines:
    """By cell, each a path, a colon and a number, of a flat module in RTLIL; none where no cell behind it has one."""
    own, drives = dict[str, tuple[str, ...]](), dict[str, set[str]]()
    readers, said, cell = defaultdict[str, list[str]](list), "", ""
    for text in rtlil.splitlines():
        if source := SOURCE.match(text):
            said = source[1]
        elif begins := CELL.match(text):
            cell = begins[1]
            own[cell], drives[cell], said = tuple(said.split("|")) if said else (), set(), ""
        elif (pin := PIN.match(text)) and cell:
            for net in NET.findall(pin[2]):
                if pin[1] in DRIVES:
                    drives[cell].add(net)
                else:
                    readers[net].append(cell)
        elif text.strip() == "end":
            cell = ""
        elif not text.lstrip().startswith(("attribute", "parameter")):
            said = ""
    return {each: _nearest(each, own, drives, readers) for each in own}


def _nearest(
    cell: str, own: Lines, drives: Mapping[str, set[str]], readers: Mapping[str, list[str]]
) -> tuple[str, ...]:
    front, seen = [cell], {cell}
    while front and not any(own[each] for each in front):
        beyond = {reader for each in front for net in sorted(drives[each]) for reader in readers.get(net, ())} - seen
        seen |= beyond
        front = sorted(beyond)
    return tuple(dict.fromkeys(line for each in front for line in own[each]))
