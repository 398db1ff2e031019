"""A card's PCI function as a kernel in lock step uses it: every access in its order, with the clock it began at.

What the function refuses is answered as a bus does: reads give ones, writes go nowhere.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from typing import NamedTuple

from ringbed.sim.lockstep.pci_message import CONFIG, PciRead, PciWrite
from ringbed.sim.seam.engine import Engine
from ringbed.sim.serve.function import PciFunction
from ringbed.sim.serve.messages import Refusal

__all__ = ["Access", "SteppedCard"]


class Access(NamedTuple):
    """One access: the card's clock before it, what (`read` or `write`), where, and the bytes."""

    clock: int
    kind: str
    region: int
    offset: int
    data: bytes


class SteppedCard:
    """`watch` is told every access. `digest` is one of all of them and their times: two runs that were the same have
    the same.
    """

    def __init__(
        self, engine: Engine, function: PciFunction, say: Callable[[str], None] = lambda text: None,
        watch: Callable[[Access], None] = lambda access: None,
    ) -> None:  # fmt: skip
        self.function = function
        self.accesses = 0
        self._engine, self._say, self._watch = engine, say, watch
        self._sum = hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._sum.hexdigest()

    def read(self, message: PciRead) -> bytes:
        clock = self._engine.now
        found = self.function.read(message.region, message.offset, message.count)
        data = self._refused(found, b"\xff" * message.count) if isinstance(found, Refusal) else found
        self._told(Access(clock, "read", message.region, message.offset, data))
        return data

    def write(self, message: PciWrite) -> None:
        clock = self._engine.now
        found = self.function.write(message.region, message.offset, message.data)
        if found is not None:
            self._refused(found, b"")
        self._told(Access(clock, "write", message.region, message.offset, message.data))

    def _refused(self, refusal: Refusal, data: bytes) -> bytes:
        self.function.counts["refused"] += 1
        self._say(refusal.why)
        return data

    def _told(self, access: Access) -> None:
        self.accesses += access.region != CONFIG
        head = struct.pack(
            "<QB?QI", access.clock, access.region, access.kind == "read", access.offset, len(access.data)
        )
        self._sum.update(head + access.data)
        self._watch(access)
