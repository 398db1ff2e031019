"""One client's session: what each of its messages does to the card, and what is answered.

A message is refused or done; what is refused has changed nothing. What the client lent, memory and descriptors, is
given back when it leaves, however it leaves. What the card wants of memory without a file is `asked.py`'s to say.
"""

from __future__ import annotations

import errno
import json
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ringbed.sim.seam.engine import CardEnded, Event
from ringbed.sim.serve import messages as ask
from ringbed.sim.serve.asked import AskedMemory
from ringbed.sim.serve.function import REGIONS, Bursting, PciFunction
from ringbed.sim.serve.header import MAX_DATA, PAGE, REPLY, Header, error, reply
from ringbed.sim.serve.irq.interrupts import KINDS, MAX_FILES
from ringbed.sim.serve.memory import MOST_MAPS
from ringbed.sim.serve.messages import Message, Refusal
from ringbed.sim.serve.parse import parse

__all__ = ["Session"]

OFFERS = {
    "max_msg_fds": MAX_FILES, "max_data_xfer_size": MAX_DATA, "max_dma_maps": MOST_MAPS, "pgsizes": PAGE,
    "write_multiple": True,
}  # fmt: skip
RESET_AND_PCI, READ_WRITE = 3, 3  # flags of a device; of a region
TAKEN_BACK = "the client takes back"


class Session:
    """`say` is told what was refused and why. `over` is set when the client has asked for what cannot be."""

    def __init__(
        self, engine: Bursting, function: PciFunction, asked: AskedMemory, say: Callable[[str], None]
    ) -> None:  # fmt: skip
        self.over = self.greeted = False
        self._engine, self._function, self._asked, self._say = engine, function, asked, say
        self._memory, self._counts = function.memory, function.counts
        self._most = MAX_DATA
        self._do: dict[type, Callable[[Any, list[int]], bytes | Refusal]] = {
            ask.Version: self._version, ask.DmaMap: self._map, ask.DmaUnmap: self._unmap, ask.GetInfo: self._info,
            ask.GetRegionInfo: self._region_info, ask.GetIrqInfo: self._irq_info, ask.SetIrqs: self._set_irqs,
            ask.RegionRead: self._read, ask.RegionWrite: self._write, ask.WriteMulti: self._write_multi,
            ask.Reset: self._reset,
        }  # fmt: skip

    def answer(self, header: Header, payload: bytes, files: list[int]) -> bytes:
        """What goes back: a message, or nothing for a command that wants nothing. `files` that are not kept are closed.

        Raises CardEnded.
        """
        try:
            if header.type == REPLY and self._asked.answered(header, payload):
                return b""
            if header.type:
                self._refused(header, Refusal(errno.EINVAL, f"it is of type {header.type}, and nothing was asked"))
                return b""
            done = self._done(parse(header, payload, len(files)), files)
        finally:
            for file in files:
                os.close(file)
        if isinstance(done, Refusal):
            self._refused(header, done)
        if header.posted:
            return b""
        return error(header, done.errno) if isinstance(done, Refusal) else reply(header, done)

    def leave(self) -> None:
        """The client is gone: the card is reset, as Linux's VFIO does it then, and everything lent is given back."""
        with suppress(CardEnded):  # which whoever let its clock run is told
            self._function.reset()
        self._asked.gone()
        self._memory.clear()
        self._function.interrupts.close()
        self._let_go()

    def _refused(self, header: Header, refusal: Refusal) -> None:
        self._counts["refused"] += 1
        self._say(f"message {header.number} is refused by {errno.errorcode[refusal.errno]}: {refusal.why}")

    def _done(self, message: Message | Refusal, files: list[int]) -> bytes | Refusal:
        if isinstance(message, Refusal):
            return message
        if isinstance(message, ask.Version) == self.greeted:
            return Refusal(errno.EINVAL, "VERSION comes once, before everything else")
        return self._do[type(message)](message, files)

    # Greeting and questions -----------------------------------------------------------------------------------------

    def _version(self, message: ask.Version, files: list[int]) -> bytes | Refusal:
        if message.major:
            self.over = True
            return Refusal(errno.ENOTSUP, f"version {message.major} of the protocol is not spoken here, 0 is")
        self.greeted = True
        most = message.capabilities.get("max_data_xfer_size", MAX_DATA)
        self._most = self._asked.most = min(MAX_DATA, most if isinstance(most, int) else MAX_DATA)
        both = {name: value for name, value in OFFERS.items() if name in message.capabilities}
        both = {name: value for name, value in both.items() if message.capabilities[name] is not False}
        return struct.pack("<HH", 0, 0) + json.dumps({"capabilities": both}).encode() + b"\0"

    def _info(self, message: ask.GetInfo, files: list[int]) -> bytes:
        return struct.pack("<4I", 16, RESET_AND_PCI, REGIONS, KINDS)

    def _region_info(self, message: ask.GetRegionInfo, files: list[int]) -> bytes | Refusal:
        if message.index >= REGIONS:
            return Refusal(errno.EINVAL, f"there are {REGIONS} regions, none of number {message.index}")
        size = self._function.size(message.index)
        return struct.pack("<4IQQ", 32, READ_WRITE if size else 0, message.index, 0, size, 0)

    def _irq_info(self, message: ask.GetIrqInfo, files: list[int]) -> bytes | Refusal:
        if message.index >= KINDS:
            return Refusal(errno.EINVAL, f"there are {KINDS} kinds of interrupts, none of number {message.index}")
        interrupts = self._function.interrupts
        return struct.pack("<4I", 16, interrupts.flags(message.index), message.index, interrupts.count(message.index))

    # Memory ---------------------------------------------------------------------------------------------------------

    def _map(self, message: ask.DmaMap, files: list[int]) -> bytes | Refusal:
        refusal = self._memory.map(message, files[0] if files else None)
        self._counts["maps"] += refusal is None
        return b"" if refusal is None else refusal

    def _unmap(self, message: ask.DmaUnmap, files: list[int]) -> bytes | Refusal:
        """All maps in the range, as Linux's VFIO has it: an IOMMU's client names ranges wider than what it mapped."""
        address, size = (0, 1 << 64) if message.every else (message.address, message.size)
        windows = self._memory.within(address, size)
        if windows is None:
            return Refusal(errno.EINVAL, f"{size:#x} bytes at {address:#x} are not made of whole maps")
        self._function.take_back(address, size, TAKEN_BACK)
        for window in windows:
            self._memory.unmap(window)
        self._counts["unmaps" if windows else "unmaps of nothing"] += 1
        self._let_go()
        return message.echo

    def _let_go(self) -> None:
        """The engine looks at the regions anew, and at no others from here on."""
        self._engine.run(self._engine.now, Event.NONE)

    # Registers and interrupts ---------------------------------------------------------------------------------------

    def _read(self, message: ask.RegionRead, files: list[int]) -> bytes | Refusal:
        if message.count > self._most:
            return Refusal(errno.EINVAL, f"{message.count} bytes are more than the {self._most} that were agreed on")
        data = self._function.read(message.region, message.offset, message.count)
        if isinstance(data, Refusal):
            return data
        return struct.pack("<QII", message.offset, message.region, message.count) + data

    def _write(self, message: ask.RegionWrite, files: list[int]) -> bytes | Refusal:
        refusal = self._function.write(message.region, message.offset, message.data)
        return refusal or struct.pack("<QII", message.offset, message.region, len(message.data))

    def _write_multi(self, message: ask.WriteMulti, files: list[int]) -> bytes | Refusal:
        """All of it is looked at before any of it is written."""
        function, writes = self._function, message.writes
        refusals = [function.refuses(each.region, each.offset, len(each.data), write=True) for each in writes]
        done: Refusal | None = next(filter(None, refusals), None)
        for each in writes if done is None else ():
            done = done or function.write(each.region, each.offset, each.data)
        return done or struct.pack("<Q", len(writes))

    def _reset(self, message: ask.Reset, files: list[int]) -> bytes:
        self._function.reset()
        return b""

    def _set_irqs(self, message: ask.SetIrqs, files: list[int]) -> bytes | Refusal:
        return self._function.interrupts.set(message, files) or b""
