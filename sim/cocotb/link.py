"""What passes between a process with an engine and the simulator it started: messages over a Unix socket.

A message is a pickle behind its length; both ends are ours, one the child of the other. Host memory is not copied: the
files its regions are made of go over as descriptors, and the simulator maps the same pages.
"""

from __future__ import annotations

import mmap
import os
import pickle
import select
import socket
import struct
from typing import Any

from ringbed.sim.memory.host import HostMemory
from ringbed.sim.memory.mapping import Place
from ringbed.sim.memory.regions import DeviceMemory, Region

__all__ = ["SOCKET", "Link", "SharedMemory"]

SOCKET = "RINGBED_COCOTB_SOCKET"  # the environment's name for the child's descriptor
LENGTH = struct.Struct("=Q")
REGIONS = 64  # told in one message: a socket carries 253 descriptors at most, and a region may have two


class Link:
    """One end. EOFError when the other is gone."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._shared: dict[int, Region] = {}  # regions that the other end knows, by their key there

    def send(self, message: object) -> None:
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        try:
            self._end.sendall(LENGTH.pack(len(data)) + data)
        except OSError as error:
            raise EOFError(str(error)) from None

    def receive(self) -> Any:
        (length,) = LENGTH.unpack(self._bytes(LENGTH.size))
        return pickle.loads(self._bytes(length))

    def _bytes(self, count: int) -> bytes:
        parts = []
        while count:
            try:
                part = self._end.recv(min(count, 1 << 20))
            except OSError as error:
                raise EOFError(str(error)) from None
            if not part:
                raise EOFError("the other end is gone")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def wanted(self) -> None:
        """Nothing is said while a call is under way: what can be read then is the other's end."""
        if select.select([self._end], [], [], 0)[0]:
            raise EOFError("the other end is gone")

    def close(self) -> None:
        self._end.close()

    def send_regions(self, memory: HostMemory) -> None:
        """What has changed since the last time: regions that went, regions that came, some files a message.

        Raises ValueError for a region that is not made of files.
        """
        now = {id(region): region for region in memory.regions}
        came = [key for key in now if key not in self._shared]
        for region in (now[key] for key in came):
            if region.file is None or (region.shadow is not None and region.shadow_file is None):
                raise ValueError(
                    f"the region at {region.iova:#x} is not in a file: a simulator in another process cannot see it"
                )
        gone = [key for key in self._shared if key not in now]
        self._shared = now  # keeps them alive, so that no other region gets such a key
        for begin in range(0, max(1, len(came)), REGIONS):
            self._send_some(gone if not begin else [], {key: now[key] for key in came[begin : begin + REGIONS]})

    def _send_some(self, gone: list[int], came: dict[int, Region]) -> None:
        table = [(key, region.iova, region.length, region.shadow is not None) for key, region in came.items()]
        files = [file for r in came.values() for file in (r.file, r.shadow_file if r.shadow is not None else None)]
        given = [file for file in files if file is not None]
        self.send(("regions", gone, table, len(given)))
        if not given:
            return
        try:
            socket.send_fds(self._end, [b"f"], given)
        except OSError as error:
            raise EOFError(str(error)) from None

    def receive_regions(
        self, known: dict[int, Region], gone: list[int], table: list[tuple[int, int, int, bool]], count: int
    ) -> dict[int, Region]:
        """`known` without those that went, with those that came; the bytes of what went are let go."""
        files = socket.recv_fds(self._end, 1, count)[1] if count else []
        at, regions = iter(files), {key: region for key, region in known.items() if key not in set(gone)}
        for key, iova, length, shadowed in table:
            parts = [mmap.mmap(file, length) for file in ([next(at), next(at)] if shadowed else [next(at)])]
            regions[key] = Region(iova, parts[0], parts[1] if shadowed else None)
        for file in files:
            os.close(file)
        return regions


class SharedMemory(DeviceMemory):
    """The parent's host memory, in the simulator. Where an address lies only the parent knows."""

    def __init__(self, link: Link) -> None:
        super().__init__([])
        self._link = link
        self._known: dict[int, Region] = {}

    def follow(self, gone: list[int], table: list[tuple[int, int, int, bool]], count: int) -> None:
        """A message of `Link.send_regions`."""
        self._known = self._link.receive_regions(self._known, gone, table, count)
        self.regions = sorted(self._known.values(), key=lambda region: region.iova)

    def locate(self, iova: int, end: int | None = None, clock: int | None = None, write: bool | None = None) -> Place:
        self._link.send(("locate", (iova, end, clock, write)))
        return Place(*self._link.receive())
