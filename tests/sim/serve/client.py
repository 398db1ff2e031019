"""A small client of vfio-user: messages, a memory of its own, and a driver's Device over the socket.

It shares no code with the server but the commands' numbers. `pump` lets the server work while an answer is waited for:
one that lives in the same thread is turned round; one in another process works by itself, and is waited for.

What the server asks, of memory that it was given no file of, waits while the client waits for an answer, as QEMU's
processor holds its lock then; `serve` answers it.
"""

from __future__ import annotations

import errno
import json
import mmap
import os
import select
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ringbed.drivers.world import PciIdentity
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.serve.header import Command

__all__ = ["Client", "Refused", "SocketDevice", "map_far", "map_memory"]

LOOKS = 100_000  # turns that an answer may take
CONFIG = 7


class Refused(Exception):
    """The server's errno."""

    def __init__(self, number: int) -> None:
        super().__init__(errno.errorcode[number])
        self.errno = number


class Client:
    """Connected, and greeted unless `greet` is off; `agreed` is what the server said."""

    def __init__(self, path: Path, pump: Callable[[], None] | None, greet: bool = True) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(path))
        self._pump, self._number = pump or (lambda: None), 0
        self._patience = 0.0 if pump else 1.0  # seconds of one look for an answer
        self.agreed: dict[str, Any] = {}
        self.far: bytearray | memoryview | mmap.mmap = bytearray()  # memory from address `base` on, for DMA by messages
        self.base, self.asked = 0, list[tuple[int, int, int]]()  # command, address, count: what the server has asked
        self.reply: Callable[[int, int, bytes], bytes | int] = self.access
        self._waiting = deque[tuple[int, int, bytes]]()
        if greet:
            self.agreed = self.greet({"max_msg_fds": 8, "max_data_xfer_size": 1 << 20, "write_multiple": True})

    def greet(self, capabilities: object, major: int = 0) -> dict[str, Any]:
        text = json.dumps({"capabilities": capabilities}).encode() + b"\0"
        answer = self.ask(Command.VERSION, struct.pack("<HH", major, 0) + text)
        assert answer[:4] == bytes(4)
        assert answer.endswith(b"\0")
        found: dict[str, Any] = json.loads(answer[4:-1])["capabilities"]
        return found

    def send(self, command: int, payload: bytes, files: Sequence[int] = (), flags: int = 0) -> None:
        self._number = self._number + 1 & 0xFFFF
        message = struct.pack("<HHIII", self._number, command, 16 + len(payload), flags, 0) + payload
        self.send_bytes(message, files)

    def send_bytes(self, message: bytes, files: Sequence[int] = ()) -> None:
        try:
            sent = socket.send_fds(self.socket, [message], list(files)) if files else self.socket.send(message)
            while sent < len(message):
                self._pump()
                sent += self.socket.send(message[sent:])
        except BrokenPipeError:
            raise EOFError from None

    def ask(self, command: int, payload: bytes, files: Sequence[int] = ()) -> bytes:
        """The answer's payload. Raises Refused, EOFError."""
        self.send(command, payload, files)
        return self.answer(self._number, command)

    def answer(self, number: int, command: int) -> bytes:
        while True:
            came, commanded, size, flags, error = struct.unpack("<HHIII", self._bytes(16))
            payload = self._bytes(size - 16)
            if flags & 15:
                break
            self._waiting.append((came, commanded, payload))
        assert (came, commanded, flags & 15) == (number, command, 1)
        if flags & 0x20:
            assert not payload
            raise Refused(error)
        return payload

    def _bytes(self, count: int) -> bytes:
        data = b""
        for _ in range(LOOKS):
            if len(data) == count:
                return data
            self._pump()
            if select.select([self.socket], [], [], self._patience)[0]:
                part = self.socket.recv(count - len(data))
                if not part:
                    raise EOFError
                data += part
        raise AssertionError("no answer")

    def serve(self) -> None:
        """Answer what the server has asked until now, by `reply`: a payload or an errno."""
        while select.select([self.socket], [], [], 0)[0]:
            head = self.socket.recv(16)
            if not head:
                return
            number, command, size, flags, _ = struct.unpack("<HHIII", head)
            assert not flags & 15
            self._waiting.append((number, command, self._bytes(size - 16)))
        while self._waiting:
            number, command, payload = self._waiting.popleft()
            address, count = struct.unpack_from("<QQ", payload)
            self.asked.append((command, address, count))
            done = self.reply(command, address, payload)
            data, error = (b"", done) if isinstance(done, int) else (done, 0)
            flags = 0x21 if error else 1
            self.send_bytes(struct.pack("<HHIII", number, command, 16 + len(data), flags, error) + data)

    def access(self, command: int, address: int, payload: bytes) -> bytes | int:
        """As the specification has it: address and count, and what is read behind them."""
        (count,), at = struct.unpack_from("<Q", payload, 8), address - self.base
        assert 0 <= at <= at + count <= len(self.far)
        if command == Command.DMA_READ:
            assert len(payload) == 16
            return payload + bytes(self.far[at : at + count])
        assert (command, len(payload)) == (Command.DMA_WRITE, 16 + count)
        self.far[at : at + count] = payload[16:]
        return payload[:16]

    def map(self, address: int, size: int, file: int | None = None, offset: int = 0, flags: int = 3) -> None:
        files = [] if file is None else [file]
        self.ask(Command.DMA_MAP, struct.pack("<IIQQQ", 32, flags, offset, address, size), files)

    def unmap(self, address: int, size: int, flags: int = 0) -> None:
        entry = struct.pack("<IIQQ", 24, flags, address, size)
        assert self.ask(Command.DMA_UNMAP, entry) == entry

    def read_bytes(self, region: int, offset: int, count: int) -> bytes:
        place = struct.pack("<QII", offset, region, count)
        answer = self.ask(Command.REGION_READ, place)
        assert answer[:16] == place
        return answer[16:]

    def read(self, region: int, offset: int, size: int = 4) -> int:
        return int.from_bytes(self.read_bytes(region, offset, size), "little")

    def write(self, region: int, offset: int, value: int, size: int = 4, posted: bool = False) -> None:
        place = struct.pack("<QII", offset, region, size)
        data = place + value.to_bytes(size, "little")
        if posted:
            self.send(Command.REGION_WRITE, data, flags=0x10)
        else:
            assert self.ask(Command.REGION_WRITE, data) == place

    def set_irqs(self, flags: int, count: int = 1, file: int | None = None, index: int = 0, bools: bytes = b"") -> None:
        self.set_vectors(flags, index, 0, count, [] if file is None else [file], bools)

    def set_vectors(
        self, flags: int, index: int, start: int, count: int, files: Sequence[int] = (), bools: bytes = b""
    ) -> None:
        payload = struct.pack("<5I", 20 + len(bools), flags, index, start, count) + bools
        self.ask(Command.DEVICE_SET_IRQS, payload, files)

    def enable(self, command: int = 7) -> None:
        """I/O, memory, bus master."""
        self.write(CONFIG, 4, command, 2)

    def reset(self) -> None:
        assert self.ask(Command.DEVICE_RESET, b"") == b""

    def close(self) -> None:
        self.socket.close()


class SocketDevice:
    """A driver's Device: registers by messages (writes posted), time by `wait(ns)`, interrupts by an eventfd."""

    def __init__(self, client: Client, pci: PciIdentity, wait: Callable[[int], None]) -> None:
        self.pci, self.lag = pci, 0
        self.interrupts = 0
        self.event = os.eventfd(0, os.EFD_NONBLOCK)
        self._client, self._wait = client, wait
        client.enable()
        client.set_irqs(0x24, file=self.event)

    def read(self, bar: int, offset: int, size: int = 4) -> int:
        return self._client.read(bar, offset, size)

    def write(self, bar: int, offset: int, value: int, size: int = 4) -> None:
        self._client.write(bar, offset, value, size, posted=True)

    def peek(self, bar: int, offset: int) -> int:
        raise ValueError("there is no message that looks without touching")

    def delay(self, nanoseconds: int) -> None:
        self._wait(nanoseconds)

    def interrupted(self, nanoseconds: int) -> bool:
        self._wait(nanoseconds)
        return bool(select.select([self.event], [], [], 0)[0])

    def taken(self) -> bool:
        """Whether the interrupt was signalled; then it is unmasked again, as after its handler."""
        try:
            os.eventfd_read(self.event)
        except BlockingIOError:
            return False
        self.interrupts += 1
        return True

    def unmask(self) -> None:
        self._client.set_irqs(0x11)

    def close(self) -> None:
        os.close(self.event)


def map_memory(client: Client, memory: HostMemory) -> None:
    """All of a host memory's arena, lent to the card."""
    (arena,) = memory.regions
    client.map(arena.iova, arena.length, arena.file)


def map_far(client: Client, memory: HostMemory, far: Callable[[int], bool]) -> None:
    """The same, in stretches of pages; those that `far` names, by their number, without a file."""
    (arena,) = memory.regions
    client.far, client.base = arena.data, arena.iova
    for without, pages in groupby(range(arena.length >> 12), far):
        first, *more = pages
        at, size = first << 12, len(more) + 1 << 12
        client.map(arena.iova + at, size, None if without else arena.file, 0 if without else at)
