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

from ringbed.sim.memory.host import DeviceMemory, HostMemory, Region
from ringbed.sim.memory.mapping import Place

__all__ = ["SOCKET", "Link", "SharedMemory"]

SOCKET = "RINGBED_COCOTB_SOCKET"  # the environment's name for the child's descriptor
LENGTH = struct.Struct("=Q")


class Link:
    """One end. EOFError when the other is gone."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

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
        """Raises ValueError for a region that is not made of files."""
        table, files = [], []
        for region in memory.regions:
            if region.file is None or (region.shadow is not None and region.shadow_file is None):
                raise ValueError(
                    f"the region at {region.iova:#x} is not in a file: a simulator in another process cannot see it"
                )
            table.append((region.iova, region.length, region.shadow is not None))
            files += [region.file] if region.shadow_file is None else [region.file, region.shadow_file]
        self.send(("regions", table, len(files)))
        try:
            socket.send_fds(self._end, [b"f"], files)
        except OSError as error:
            raise EOFError(str(error)) from None

    def receive_regions(self, table: list[tuple[int, int, bool]], count: int) -> list[Region]:
        _, files, _, _ = socket.recv_fds(self._end, 1, count)
        at, regions = iter(files), []
        for iova, length, shadowed in table:
            parts = [mmap.mmap(file, length) for file in ([next(at), next(at)] if shadowed else [next(at)])]
            regions.append(Region(iova, parts[0], parts[1] if shadowed else None))
        for file in files:
            os.close(file)
        return regions


class SharedMemory(DeviceMemory):
    """The parent's host memory, in the simulator. Where an address lies only the parent knows."""

    def __init__(self, link: Link) -> None:
        super().__init__([])
        self._link = link

    def locate(self, iova: int, end: int | None = None, clock: int | None = None) -> Place:
        self._link.send(("locate", (iova, end, clock)))
        return Place(*self._link.receive())
