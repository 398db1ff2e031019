"""Captures: what went over a wire, as pcapng that Wireshark opens, with what the card said beside each frame.

Times are integer nanoseconds of simulated time. Frames are written as they were on the wire, FCS included (the
interface says so, so Wireshark checks it), or without, as a host sees them. Comments carry verdicts. The format is
python-pcapng's work (docs/decisions/0002-captures.md); this file knows what we put into it.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from enum import Enum, IntEnum
from pathlib import Path
from typing import BinaryIO

from pcapng import FileWriter, blocks

from ringbed.sim.wire.frame import FCS_LENGTH, WireEnd, fcs_good

__all__ = ["LINKTYPE_ETHERNET", "CaptureWriter", "Direction", "TappedEnd", "bpf_tap"]

LINKTYPE_ETHERNET = 1
NANOSECONDS = b"\x09"  # if_tsresol: 10**-9
CRC_ERROR = 1 << 24  # epb_flags, link-layer errors
SYMBOL_ERROR = 1 << 31


class Direction(IntEnum):
    """Which way a frame went, seen from the interface: bits 0 and 1 of epb_flags."""

    UNKNOWN = 0
    IN = 1
    OUT = 2


class CaptureWriter:
    """A pcapng file being written; a context manager. Frames may come in any order of time.

    Hosts in threads of a pump cannot share one: their frames would stand in it in the order of the threads, which is
    another in each run. So a capture of several interfaces is written by the thread that opened it alone.
    """

    def __init__(self, path: Path | str | BinaryIO, application: str = "ringbed") -> None:
        self._owned = isinstance(path, Path | str)
        self._file: BinaryIO = open(path, "wb") if isinstance(path, Path | str) else path
        self._section = blocks.SectionHeader(options={"shb_userappl": application})
        self._writer = FileWriter(self._file, self._section)
        self._fcs: list[bool] = []
        self._thread = threading.get_ident()
        self.frames = 0
        self.paused = False  # while set, `write` writes nothing

    def interface(self, name: str, description: str = "", with_fcs: bool = True) -> int:
        """Declare an Ethernet interface; its number, for `write`."""
        options: dict[str, object] = {"if_name": name, "if_tsresol": NANOSECONDS}
        if description:
            options["if_description"] = description
        if with_fcs:
            options["if_fcslen"] = FCS_LENGTH
        block = self._section.new_member(blocks.InterfaceDescription, link_type=LINKTYPE_ETHERNET, options=options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the library warns of its own table's if_tsresol
            self._put(block)
        self._fcs.append(with_fcs)
        return len(self._fcs) - 1

    def write(
        self, interface: int, frame: bytes, at_ns: int, direction: Direction = Direction.UNKNOWN,
        comments: Sequence[str] = (), error: bool = False,
    ) -> None:  # fmt: skip
        """Write one frame; `error` is a symbol error.

        Raises OSError with the file's name, ValueError for an interface that was not declared, RuntimeError for a
        second thread (see the class).
        """
        if self.paused:
            return
        if not 0 <= interface < len(self._fcs):
            raise ValueError(f"the capture has {len(self._fcs)} interfaces, there is no number {interface}")
        if len(self._fcs) > 1 and threading.get_ident() != self._thread:
            raise RuntimeError("a capture of several interfaces has one writer: give each host in a thread its own")
        if not 0 <= at_ns < 1 << 64:
            raise ValueError(f"{at_ns} ns does not fit a capture's 64-bit time")
        block = self._section.new_member(
            blocks.EnhancedPacket, interface_id=interface, timestamp_high=at_ns >> 32,
            timestamp_low=at_ns & 0xFFFFFFFF, packet_data=bytes(frame),
        )  # fmt: skip
        if flags := direction | self._errors(interface, frame, error):
            block.options["epb_flags"] = flags
        for comment in comments:
            block.options.add("opt_comment", comment)
        self._put(block)
        self.frames += 1

    def _put(self, block: blocks.Block) -> None:
        with self._named():
            self._writer.write_block(block)

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Of a disk that is full the system does not say which file wanted more."""
        try:
            yield
        except OSError as error:
            error.filename = error.filename or getattr(self._file, "name", None)
            raise

    def _errors(self, interface: int, frame: bytes, error: bool) -> int:
        bad = CRC_ERROR if self._fcs[interface] and not fcs_good(frame) else 0
        return bad | (SYMBOL_ERROR if error else 0)

    def close(self) -> None:
        """Flush, and close the file if it was opened here. Raises OSError with its name."""
        with self._named():
            if self._owned:
                self._file.close()
            else:
                self._file.flush()

    def __enter__(self) -> CaptureWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class TappedEnd:
    """A wire end that writes what passes through it: a link around a link. `to_ns` turns the end's clocks into ns.

    IN and OUT are the card's: what `wire_in` brings it is IN. A frame is stamped with its last beat; frames queued for
    the same clock follow one another, `beat` bytes a clock, as an unpaced wire has them.
    """

    def __init__(
        self, end: WireEnd, capture: CaptureWriter, interface: int, to_ns: Callable[[int], int], beat: int = 8
    ) -> None:  # fmt: skip
        self._end = end
        self._capture = capture
        self._interface = interface
        self._to_ns = to_ns
        self._beat = beat
        self._busy_until = 0

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        """Write the frame with the time at which it will be in, and hand it on."""
        self._busy_until = max(at, self._busy_until) + -(-len(frame) // self._beat)
        self._capture.write(self._interface, frame, self._to_ns(self._busy_until), Direction.IN, error=error)
        self._end.wire_in(frame, at, error)

    def wire_out(self) -> list[tuple[int, bytes]]:
        """What left the card, written on its way."""
        left = self._end.wire_out()
        for clock, frame in left:
            self._capture.write(self._interface, frame, self._to_ns(clock), Direction.OUT)
        return left


def bpf_tap(
    capture: CaptureWriter, name: str, now_ns: Callable[[], int], description: str = "bpf tap"
) -> Callable[[bytes, Enum], None]:
    """What to give a stack's `set_tap`: frames as the host sees them, without FCS, at simulated time `now_ns()`.

    In at `ifiq_input`, out at the driver's start: a sum the card is asked for is not in an outgoing frame yet.
    """
    interface = capture.interface(name, description, with_fcs=False)

    def tap(frame: bytes, direction: Enum) -> None:
        capture.write(interface, frame, now_ns(), Direction[direction.name])

    return tap
