"""A client's memory that was mapped without a file: the card's bursts there are messages, DMA_READ and DMA_WRITE.

Nothing here waits: a burst is asked for, the card's clock stands still by the server's hand, and goes on when the
answer has come, or with a bus error when it has not. While the client itself waits for an answer, a register's for
one, the clock runs and the burst takes longer: such a client could not answer.
"""

from __future__ import annotations

import errno
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from ringbed.sim.memory.regions import Response
from ringbed.sim.serve.header import HEADER, MAX_DATA, Command, Header
from ringbed.sim.serve.memory import ClientMemory

__all__ = ["LATE", "AskedMemory", "Asking"]

ACCESS = struct.Struct("<QQ")  # address, bytes
LATE = 5_000_000_000  # ns of wall time that an answer may take
REMEMBERED = 1024  # messages whose answer nobody waits for any more


class Asking(Protocol):
    """An engine whose card may wait for memory that is not here: native."""

    def asked(self, write: bool) -> int: ...

    def spans(self, write: bool) -> list[tuple[int, int, bytes]]: ...

    def answer_asked(self, write: bool, number: int, response: Response, data: bytes = b"") -> bool: ...


@dataclass(slots=True)
class Burst:
    """One of the card's, on its way: `waits` are messages by number, each with its place, `came` answers by address."""

    number: int
    write: bool
    deadline: int
    waits: dict[int, tuple[int, int]] = field(default_factory=dict)
    came: dict[int, bytes] = field(default_factory=dict)


class AskedMemory:
    """`send` is how a message leaves, which may raise Gone; `most` bytes go with one. `clock` is wall time in ns.

    `counts` has the messages, and the bursts that ended as a bus error, by cause.
    """

    def __init__(
        self, engine: Asking, memory: ClientMemory, counts: Counter[str], send: Callable[[bytes], None],
        clock: Callable[[], int],
    ) -> None:  # fmt: skip
        self.most = MAX_DATA
        self._engine, self._memory, self._counts = engine, memory, counts
        self._send, self._clock = send, clock
        self._numbers = count(1)
        self._bursts: dict[bool, Burst] = {}  # one that reads, one that writes
        self._stale: dict[int, None] = {}  # numbers, the oldest first

    @property
    def deadline(self) -> int | None:
        """Wall time at which the first answer is too late; None: none is waited for."""
        return min((burst.deadline for burst in self._bursts.values()), default=None)

    def look(self) -> bool:
        """Ask for what the card waits for now; whether any answer is waited for. Raises Gone."""
        for write in (False, True):
            number, burst = self._engine.asked(write), self._bursts.get(write)
            if burst is not None and burst.number != number:
                self._counts["DMA bursts given up"] += 1
                self._forget(burst)
            elif burst is not None and self._clock() >= burst.deadline:
                self._fail(burst, "answered too late", f"there was no answer for {LATE // 10**9} s")
            if number and write not in self._bursts and self._engine.asked(write) == number:
                self._ask(Burst(number, write, self._clock() + LATE))
        return bool(self._bursts)

    def answered(self, header: Header, payload: bytes) -> bool:
        """What came of type 1; whether it answers anything that was asked."""
        if header.number in self._stale:
            del self._stale[header.number]
            return True
        for burst in self._bursts.values():
            if header.number in burst.waits:
                self._came(burst, header, payload)
                return True
        return False

    def gone(self) -> None:
        """Nobody answers any more; the card has had its errors."""
        for burst in [*self._bursts.values()]:
            self._counts["DMA bursts given up"] += 1
            self._forget(burst)

    def _ask(self, burst: Burst) -> None:
        self._bursts[burst.write] = burst
        spans = self._engine.spans(burst.write)
        for address, size, _ in spans:
            if not self._memory.lets(address, size, burst.write):
                verb = "written" if burst.write else "read"
                self._fail(burst, "not allowed by their map", f"they may not be {verb}")
                return
        parts = [
            (address + at, data[at : at + self.most], min(self.most, size - at))
            for address, size, data in spans
            for at in range(0, size, self.most)
        ]
        messages = [self._message(burst, *part) for part in parts]
        self._send(b"".join(messages))

    def _message(self, burst: Burst, address: int, data: bytes, size: int) -> bytes:
        number = next(each for each in (n & 0xFFFF for n in self._numbers) if each not in self._stale)
        burst.waits[number] = address, size
        command = Command.DMA_WRITE if burst.write else Command.DMA_READ
        self._counts[f"DMA {'writes' if burst.write else 'reads'} by message"] += 1
        payload = ACCESS.pack(address, size) + data
        return Header(number, command, HEADER.size + len(payload)).bytes() + payload

    def _came(self, burst: Burst, header: Header, payload: bytes) -> None:
        place = burst.waits.pop(header.number)
        if header.failed:
            name = errno.errorcode.get(header.errno, str(header.errno))
            self._fail(burst, "refused by the client", f"it refuses by {name}")
            return
        wrong = _wrong(burst.write, place, header, payload)
        if wrong:
            self._fail(burst, "answered wrongly", f"its answer {wrong}")
            return
        burst.came[place[0]] = payload[ACCESS.size :]
        if not burst.waits:
            self._end(burst, Response.OKAY)

    def _fail(self, burst: Burst, cause: str, why: str) -> None:
        self._counts[f"DMA bursts {cause}"] += 1
        self._memory.trouble = why
        self._end(burst, Response.SLVERR)

    def _end(self, burst: Burst, response: Response) -> None:
        data = b"".join(burst.came[address] for address in sorted(burst.came))
        self._forget(burst)
        self._engine.answer_asked(burst.write, burst.number, response, data)

    def _forget(self, burst: Burst) -> None:
        """What comes of it still is nobody's."""
        del self._bursts[burst.write]
        self._stale |= dict.fromkeys(burst.waits)
        while len(self._stale) > REMEMBERED:
            del self._stale[next(iter(self._stale))]


def _wrong(write: bool, place: tuple[int, int], header: Header, payload: bytes) -> str:
    """What the specification has otherwise in an answer to `place`; a write's may be a header alone, as QEMU's is."""
    wanted = Command.DMA_WRITE if write else Command.DMA_READ
    if header.command != wanted:
        return f"is to command {header.command}, not {int(wanted)}"
    if write and not payload:
        return ""
    size = ACCESS.size + (0 if write else place[1])
    if len(payload) != size:
        return f"has {len(payload)} bytes, not {size}"
    return "" if ACCESS.unpack_from(payload) == place else "names other bytes"
