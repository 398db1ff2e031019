"""A kernel of the tests' own: it travels in time and has a PCI slot, as a User Mode Linux does, and no line of ours.

Its driver is ringbed's `Em`, whose accesses go by a queue in memory that is lent. What it does next is a test's to say;
the card is served in another thread meanwhile.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ringbed.drivers.em.driver import Em
from ringbed.sim.cards import EM_PCI, em, reset_em
from ringbed.sim.lockstep.card import Access
from ringbed.sim.lockstep.opened import SLOT, TIME, Stepped, step
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.serve.served import WireMaker
from ringbed.sim.testbed.host import Collector
from tests.sim.serve.bench import TestWire

__all__ = ["Bench", "Kernel", "SlotDevice", "Machine"]

ACK, START, REQUEST, WAIT, GET, UPDATE, RUN, GET_TOD = 0, 1, 2, 3, 4, 5, 6, 8
ENTRIES, RINGS, RINGS_AT, ROOM = 16, 1 << 20, 0x6000_0000, 0x1_0000
PATIENCE = 60  # seconds that an answer may take before a test says that there is none
QUEUE = 0x4000  # bytes of memory for each queue's parts


class Gone(Exception):
    """The card's side has closed a connection."""


class Bench:
    """A card in lock step, served in a thread; `said` what it told, `ended` what it raised."""

    def __init__(self, folder: Path, make_wire: WireMaker = TestWire, **more: Any) -> None:
        self.folder = folder
        self.said, self.accesses, self.wires = list[str](), list[Access](), list[Any]()
        self.ended: BaseException | None = None

        def made(end: Any, frequency: Any) -> Any:
            self.wires.append(make_wire(end, frequency))
            return self.wires[-1]

        self.stepped: Stepped = step(
            folder, em(), EM_PCI, reset_em, made, tod=10**18, say=self.said.append, watch=self.accesses.append, **more
        )
        self.stepped.engine.set_pin("mac", 0x02_00_00_00_00_01)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.stepped.server.run()
        except Exception as error:
            self.ended = error
            self.stepped.server.close()

    def join(self) -> None:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def close(self) -> None:
        self.stepped.server.stop()
        self.join()
        self.stepped.close()


def whole(end: socket.socket, size: int) -> bytes:
    """Raises Gone."""
    data = b""
    while len(data) < size:
        assert select.select([end], [], [], PATIENCE)[0], "no answer"
        try:
            part = end.recv(size - len(data))
        except ConnectionResetError:
            raise Gone from None
        if not part:
            raise Gone
        data += part
    return data


class Kernel:
    """`now` is its clock in ns; `calls` are queues that it was told of. `greet`: as far as a slot that works."""

    def __init__(self, folder: Path, memory: HostMemory | None = None, greet: bool = True) -> None:
        self.now, self.calls, self.answers = 0, list[int](), list[int]()
        self.time, self.slot = (socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(2))
        self.time.connect(str(folder / TIME))
        self.slot.connect(str(folder / SLOT))
        self.requests, self._theirs = socket.socketpair()
        self._number, self._wanted = 0, 0
        self._rings = os.memfd_create("rings")
        os.ftruncate(self._rings, RINGS)
        self._memory = memory
        self._available, self._used = [0, 0], [0, 0]
        if greet:
            self.greet()

    # Time -----------------------------------------------------------------------------------------------------------

    def ask_time(self, op: int, time: int = 0) -> int:
        """The time of the ACK."""
        self._number += 1
        self.time.sendall(struct.pack("<IIQ", op, self._number, time))
        answer, number, found = struct.unpack("<IIQ", whole(self.time, 16))
        assert (answer, number) == (ACK, self._number)
        return int(found)

    def start(self) -> list[int]:
        """The descriptors that come with the ACK."""
        self.time.sendall(struct.pack("<IIQ", START, 1, 0))
        self._number = 1
        assert select.select([self.time], [], [], PATIENCE)[0]
        data, files, _, _ = socket.recv_fds(self.time, 16, 4)
        assert struct.unpack("<IIQ", data) == (ACK, 1, 0)
        return files

    def sleep(self, nanoseconds: int) -> None:
        """So long, or to an interrupt's time."""
        self._wanted = self.now + nanoseconds
        self.ask_time(REQUEST, self._wanted)
        self.ask_time(WAIT)
        self._until_run()

    def _until_run(self) -> None:
        while True:
            heard = select.select([self.time, self.requests], [], [], PATIENCE)[0]
            assert heard, "nobody lets this kernel run"
            if self.requests in heard:
                self._called()
                continue
            op, number, time = struct.unpack("<IIQ", whole(self.time, 16))
            assert (op, time) == (RUN, self._wanted)
            self.now = time
            self.time.sendall(struct.pack("<IIQ", ACK, number, 0))
            return

    def _called(self) -> None:
        """As the kernel's handler does it: what time is it, run me then; and heard."""
        request, flags, size, queue, _ = struct.unpack("<IIIII", whole(self.requests, 20))
        assert (request, flags, size) == (4, 9, 8)
        self.calls.append(queue)
        self.now = self.ask_time(GET)
        self._wanted = self.now
        self.ask_time(REQUEST, self.now)
        self.requests.sendall(struct.pack("<IIIQ", request, 5, 8, 0))

    # The slot -------------------------------------------------------------------------------------------------------

    def send(self, request: int, payload: bytes = b"", files: Sequence[int] = (), flags: int = 9) -> None:
        message = struct.pack("<III", request, flags, len(payload)) + payload
        try:
            socket.send_fds(self.slot, [message], list(files)) if files else self.slot.sendall(message)
        except (BrokenPipeError, ConnectionResetError):
            raise Gone from None

    def ask(self, request: int, payload: bytes = b"", files: Sequence[int] = (), flags: int = 9) -> bytes:
        """The answer's payload; calls are taken meanwhile."""
        self.send(request, payload, files, flags)
        while True:
            heard = select.select([self.slot, self.requests], [], [], PATIENCE)[0]
            assert heard, "no answer"
            if self.requests in heard:
                self._called()
                continue
            came, marks, size = struct.unpack("<III", whole(self.slot, 12))
            assert (came, marks) == (request, 5)
            return whole(self.slot, size)

    def status(self, request: int, payload: bytes = b"", files: Sequence[int] = ()) -> int:
        return int.from_bytes(self.ask(request, payload, files), "little")

    def greet(self) -> None:
        for file in self.start():
            os.close(file)
        assert self.status(2 + 1) == 0  # SET_OWNER
        assert int.from_bytes(self.ask(1, flags=1), "little") == 1 << 30 | 1 << 32
        offered = int.from_bytes(self.ask(15, flags=1), "little")
        assert offered == 1 << 3 | 1 << 5 | 1 << 9 | 1 << 14
        assert self.status(16, struct.pack("<Q", offered)) == 0
        assert self.status(21, files=[self._theirs.fileno()]) == 0
        assert self.status(2, struct.pack("<Q", 1 << 30 | 1 << 32)) == 0
        assert self.lend() == 0
        for queue in (0, 1):
            assert self.status(8, struct.pack("<II", queue, ENTRIES)) == 0
            assert self.status(10, struct.pack("<II", queue, 0)) == 0
            assert self.status(9, self.address(queue)) == 0
            assert self.status(18, struct.pack("<II", queue, 1)) == 0
        for _ in range(2):
            self.offer()

    def lend(self) -> int:
        """The memory of the queues, and the driver's."""
        regions, files = [struct.pack("<QQQQ", RINGS_AT, RINGS, RINGS_AT, 0)], [self._rings]
        if self._memory is not None:
            (arena,) = self._memory.regions
            assert arena.file is not None
            regions.append(struct.pack("<QQQQ", arena.iova, arena.length, arena.iova, 0))
            files.append(arena.file)
        return self.status(5, struct.pack("<II", len(regions), 0) + b"".join(regions) + bytes(32), files)

    @staticmethod
    def address(queue: int) -> bytes:
        at = RINGS_AT + QUEUE * queue
        return struct.pack("<IIQQQQ", queue, 0, at, at + 0x2000, at + 0x1000, 0)

    def put(self, offset: int, data: bytes) -> None:
        os.pwrite(self._rings, data, offset)

    def got(self, offset: int, size: int) -> bytes:
        return os.pread(self._rings, size, offset)

    def available(self, queue: int, head: int) -> None:
        """In the ring; nobody is told."""
        at = QUEUE * queue + 0x1000
        self.put(at + 4 + 2 * (self._available[queue] % ENTRIES), struct.pack("<H", head))
        self._available[queue] = (self._available[queue] + 1) & 0xFFFF
        self.put(at + 2, struct.pack("<H", self._available[queue]))

    def descriptor(self, queue: int, number: int, at: int, size: int, flags: int, behind: int = 0) -> None:
        self.put(QUEUE * queue + 16 * number, struct.pack("<QIHH", at, size, flags, behind))

    def kick(self, queue: int) -> int:
        return self.status(35, struct.pack("<II", queue, 0))

    def used(self, queue: int) -> list[tuple[int, int]]:
        """What has come back since the last look: head, bytes written."""
        at = QUEUE * queue + 0x2000
        (index,) = struct.unpack("<H", self.got(at + 2, 2))
        found = []
        while self._used[queue] != index:
            found.append(struct.unpack("<II", self.got(at + 4 + 8 * (self._used[queue] % ENTRIES), 8)))
            self._used[queue] = (self._used[queue] + 1) & 0xFFFF
        return found

    def offer(self) -> None:
        """A buffer for an interrupt, of 20 bytes; the kick says that the last one's handler has run."""
        head = self._available[1] % ENTRIES
        self.descriptor(1, head, RINGS_AT + 0x9000 + 32 * head, 20, 2)
        self.available(1, head)
        assert self.kick(1) == 0

    def interrupts(self) -> list[bytes]:
        return [self.got(0x9000 + 32 * head, written) for head, written in self.used(1)]

    def command(self, message: bytes, room: int = 0) -> bytes:
        """By queue 0: what is written into the room, after which one look finds it."""
        self.put(ROOM, message + b"\xee" * room)
        self.descriptor(0, 0, RINGS_AT + ROOM, len(message), 1 if room else 0, 1)
        self.descriptor(0, 1, RINGS_AT + ROOM + len(message), room, 2)
        self.available(0, 0)
        assert self.kick(0) == 0
        ((head, written),) = self.used(0)
        assert head == 0
        return self.got(ROOM + len(message), written)

    def close(self) -> None:
        for end in (self.time, self.slot, self.requests, self._theirs):
            end.close()
        os.close(self._rings)


class SlotDevice:
    """A driver's Device over a kernel's slot; the command register is set to I/O, memory and bus master."""

    def __init__(self, kernel: Kernel) -> None:
        self.pci, self.lag, self._kernel = EM_PCI, 0, kernel
        kernel.command(struct.pack("<BBHIQ", 2, 0, 0, 2, 4) + b"\x07\x00")

    def read(self, bar: int, offset: int, size: int = 4) -> int:
        return int.from_bytes(self._kernel.command(struct.pack("<BBHIQ", 3, bar, 0, size, offset), size), "little")

    def write(self, bar: int, offset: int, value: int, size: int = 4) -> None:
        self._kernel.command(struct.pack("<BBHIQ", 4, bar, 0, size, offset) + value.to_bytes(size, "little"))

    def peek(self, bar: int, offset: int) -> int:
        raise ValueError("there is no message that looks without touching")

    def delay(self, nanoseconds: int) -> None:
        """To the end of it, whatever interrupts."""
        until = self._kernel.now + nanoseconds
        while self._kernel.now < until:
            self._kernel.sleep(until - self._kernel.now)

    def interrupted(self, nanoseconds: int) -> bool:
        before = len(self._kernel.calls)
        self._kernel.sleep(nanoseconds)
        return len(self._kernel.calls) > before


class Machine:
    """A kernel with ringbed's own driver of `em` in it."""

    def __init__(self, bench: Bench) -> None:
        self.memory, self.sink = HostMemory(4 << 20), Collector()
        self.kernel = Kernel(bench.folder, self.memory)
        self.device = SlotDevice(self.kernel)
        self.driver = Em(self.device, self.memory, self.sink)

    def work(self, nanoseconds: int) -> list[int]:
        """Let time pass and serve interrupts: when they came."""
        until, came = self.kernel.now + nanoseconds, []
        while self.kernel.now < until:
            self.kernel.sleep(until - self.kernel.now)
            for message in self.kernel.interrupts():
                assert message == struct.pack("<BBHIQ", 6, 0, 0, 0, 1)
                came.append(self.kernel.now)
                self.driver.interrupt(0)
                self.kernel.offer()
        return came

    def up(self) -> None:
        self.driver.up()
        self.work(300_000)
        assert self.sink.link_up

    def close(self) -> None:
        self.kernel.close()
