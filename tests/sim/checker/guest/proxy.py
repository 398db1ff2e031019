"""A proxy between a vfio-user client and its server, which may plant one fault in what passes: for tests alone.

It reads whole messages of the client with their descriptors, and hands them on, changed or not; what the server says
goes back as it is, but for answers to what was never asked. It keeps the client's maps, and so can read and write its
memory as the card does.
"""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ringbed.sim.serve.connection import Connection, Gone
from ringbed.sim.serve.header import Command, Header

__all__ = ["Fault", "Message", "Proxy"]

HEADER, PLACE, MAP = struct.Struct("<HHIII"), struct.Struct("<QII"), struct.Struct("<IIQQQ")
UNMAP = struct.Struct("<IIQQ")
POSTED = 0x10
RXD = 16


@dataclass
class Message:
    """Of the client's; `flags` as in its header."""

    command: int
    payload: bytes
    number: int = 0
    flags: int = 0
    files: list[int] = field(default_factory=list)

    @property
    def bytes(self) -> bytes:
        size = HEADER.size + len(self.payload)
        return HEADER.pack(self.number, self.command, size, self.flags, 0) + self.payload

    def writes(self, register: int) -> int | None:
        """The word, if it is a write of this register of BAR 0."""
        if self.command != Command.REGION_WRITE or len(self.payload) != PLACE.size + 4:
            return None
        offset, region, _ = PLACE.unpack_from(self.payload)
        return int.from_bytes(self.payload[PLACE.size :], "little") if (offset, region) == (register, 0) else None

    def reads(self, register: int) -> bool:
        """Whether it is a read of this register of BAR 0."""
        return self.command == Command.REGION_READ and PLACE.unpack(self.payload)[:2] == (register, 0)

    def with_word(self, value: int) -> Message:
        """The same write, of another word."""
        return Message(self.command, self.payload[: PLACE.size] + value.to_bytes(4, "little"), self.number, self.flags)


# What a fault makes of a message: those that go to the server in its place.
Fault = Callable[["Proxy", Message], Iterator[Message]]


class Proxy:
    """One client's. `turn` carries what there is; `done` says whether the fault was planted, `hits`
    how often one that stays was met; closing twice is once."""

    def __init__(self, path: Path, server: Path, fault: Fault | None = None) -> None:
        self.path, self.done, self.hits = path, False, 0
        self.later: list[Callable[[], None]] = []  # when the server has done what was sent
        self.registers: dict[int, int] = {}  # of BAR 0, as written
        self._server, self._fault = server, fault
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(str(path))
        self._door.listen(1)
        self._near: Connection | None = None
        self._end: socket.socket | None = None  # the client's
        self._far: socket.socket | None = None
        self._maps: dict[int, tuple[int, int, int]] = {}  # address: size, file, offset

    # What a fault uses ----------------------------------------------------------------------------------------------

    def place(self, address: int) -> tuple[int, int] | None:
        """The file, and where in it this address of the card's is."""
        for begin, (size, file, offset) in self._maps.items():
            if begin <= address < begin + size:
                return file, offset + address - begin
        return None

    def read(self, address: int, count: int) -> bytes:
        found = self.place(address)
        assert found is not None, hex(address)
        return os.pread(found[0], count, found[1])

    def write(self, address: int, data: bytes) -> None:
        found = self.place(address)
        assert found is not None, hex(address)
        os.pwrite(found[0], data, found[1])

    @staticmethod
    def register(offset: int, value: int) -> Message:
        return Message(Command.REGION_WRITE, PLACE.pack(offset, 0, 4) + value.to_bytes(4, "little"), flags=POSTED)

    @staticmethod
    def unmap(address: int, size: int = 4096) -> Message:
        return Message(Command.DMA_UNMAP, UNMAP.pack(24, 0, address, size), flags=POSTED)

    def answer(self, message: Message, data: bytes = b"") -> None:
        """As if the server had done it, and this were what was read."""
        assert self._end is not None
        payload = message.payload[: UNMAP.size if message.command == Command.DMA_UNMAP else PLACE.size] + data
        self._end.sendall(HEADER.pack(message.number, message.command, HEADER.size + len(payload), 1, 0) + payload)

    # What passes ----------------------------------------------------------------------------------------------------

    def turn(self, wait: float = 0.0) -> None:
        """When one of them has left, the other is left too."""
        with suppress(Gone):
            self._turn(wait)
            return
        self.close()

    def _turn(self, wait: float) -> None:
        if self._door.fileno() < 0:
            return
        if self._near is None:
            if select.select([self._door], [], [], wait)[0]:
                self._came()
            return
        assert self._far is not None
        heard = select.select([self._near.fileno(), self._far.fileno()], [], [], wait)[0]
        if self._far.fileno() in heard:
            self._back()
        for act in self.later:
            act()
        self.later.clear()
        if self._near.fileno() in heard:
            for header, payload, files in self._near.messages(1):
                self._forth(header, payload, files)

    def close(self) -> None:
        for end in (self._near, self._far, self._door):
            if end is not None:
                end.close()
        for _, file, _ in self._maps.values():
            os.close(file)
        self._maps.clear()

    def _came(self) -> None:
        self._end = self._door.accept()[0]
        self._near = Connection(self._end)
        self._far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._far.connect(str(self._server))

    def _back(self) -> None:
        assert self._far is not None
        assert self._end is not None
        data = self._far.recv(1 << 16)
        if not data:
            raise Gone("the server has left")
        self._end.setblocking(True)
        self._end.sendall(data)
        self._end.setblocking(False)

    def _forth(self, header: Header, payload: bytes, files: list[int]) -> None:
        message = Message(header.command, payload, header.number, POSTED if header.posted else 0, files)
        self._note(message)
        assert self._far is not None
        out = [message] if self._fault is None or self.done else list(self._fault(self, message))
        for each in out:
            socket.send_fds(self._far, [each.bytes], each.files)
        for file in files:
            os.close(file)

    def _note(self, message: Message) -> None:
        if message.command == Command.VERSION:  # one write a message is enough here
            message.payload = message.payload.replace(b'"write_multiple"', b'"write_nothing_"')
        elif message.command == Command.DMA_MAP and message.files:
            _, _, offset, address, size = MAP.unpack(message.payload)
            self._maps[address] = size, os.dup(message.files[0]), offset
        elif message.command == Command.DMA_UNMAP:
            _, _, address, size = UNMAP.unpack(message.payload[: UNMAP.size])
            for begin in [at for at in self._maps if address <= at < address + size]:
                os.close(self._maps.pop(begin)[1])
        elif message.command == Command.REGION_WRITE and len(message.payload) == PLACE.size + 4:
            offset, region, _ = PLACE.unpack_from(message.payload)
            if region == 0:
                self.registers[offset] = int.from_bytes(message.payload[PLACE.size :], "little")
