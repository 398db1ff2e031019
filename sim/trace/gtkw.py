"""A save file for GTKWave beside a waveform: journey, stages and buses in view, and markers where the packet was.

Source: GTKWave's own reader of save files: `*zoom cursor A B C ...` places the cursor and the named markers, and
`[markername] Xtext` names marker X. A name's bit range belongs to it in traces of vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from vcd.gtkw import GTKWColor, GTKWSave

from ringbed.sim.seam.portmap import PortMap
from ringbed.sim.seam.stages import StageTable
from ringbed.sim.seam.traced import WaveLayout
from ringbed.sim.trace.journey import Mark

__all__ = ["mark_time", "save_file"]


def mark_time(clock: int, period: int) -> int:
    """Where clock `clock` ends in a waveform, at its rising edge; `period` in the waveform's unit."""
    return clock * period + period // 2


def save_file(waveform: Path, portmap: PortMap, marks: Sequence[Mark], layout: WaveLayout) -> str:
    """The text of the save file; `marks` of one packet, of which 26 get a marker."""
    out = StringIO()
    save = GTKWSave(out)
    save.dumpfile(str(waveform))
    save.savefile(str(waveform.with_suffix(".gtkw")))
    period, marked = layout.period, list(zip(ascii_lowercase, marks, strict=False))
    times: dict[str, Any] = {letter: mark_time(mark.clock, period) for letter, mark in marked}
    for letter, mark in marked:
        print(f"[markername] {letter.upper()}{mark.stage}", file=out)
    if marked:
        save.zoom_markers(-20.0, times["a"], **times)
        save.timestart(max(0, times["a"] - 50 * period))
    _journey(save, portmap, layout)
    _buses(save, portmap, layout)
    return out.getvalue()


def _journey(save: GTKWSave, portmap: PortMap, layout: WaveLayout) -> None:
    table = StageTable.of(portmap.stages)
    for group in table.groups:
        with save.group(f"journey {group}"):
            name = layout.journey.format(group=group)
            save.trace(f"{name}frame[31:0]", datafmt="dec", color=GTKWColor.yellow)
            save.trace(f"{name}at[127:0]", datafmt="ascii", color=GTKWColor.yellow)
            for stage in table.stages:
                if stage.group == group:
                    save.trace(f"{name}{stage.name}[31:0]", datafmt="dec")
    save.trace(f"{layout.host}[127:0]", datafmt="ascii", color=GTKWColor.yellow)


def _buses(save: GTKWSave, portmap: PortMap, layout: WaveLayout) -> None:
    for title, part in (
        ("wire in", portmap.rx), ("wire out", portmap.tx), ("registers", portmap.registers), ("DMA", portmap.dma),
        ("interrupt", portmap.interrupts),
    ):  # fmt: skip
        if part is not None:
            with save.group(title):
                for port in part.ports():
                    save.trace(layout.port(port.name) + (f"[{port.width - 1}:0]" if port.width > 1 else ""))
