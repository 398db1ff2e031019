"""A kernel and a card in one time, in one thread: while the kernel works its clock stands still, and while it waits the
card's clock runs to where the kernel wants to go on, or to the interrupt that comes before.

A register read takes the card's clock as long as it takes, and the kernel none: the card is ahead then by so much, and
waits for the kernel's next wait. Nothing here looks at a clock of this machine's, so that a run is the same every time.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable

from ringbed.sim.lockstep.backend import COMMANDS, INTERRUPTS, Backend
from ringbed.sim.lockstep.calendar import FOREVER, SIZE, Calendar, OutOfStep, TimeOp, parse_time
from ringbed.sim.lockstep.pin import Pin
from ringbed.sim.lockstep.stream import Stream
from ringbed.sim.lockstep.vhost import HEADER, NUMBER, Header, call, parse_header
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import NEVER, Engine, Event
from ringbed.sim.serve.connection import Gone
from ringbed.sim.serve.socket_file import SocketFile
from ringbed.sim.serve.wires import Wire

__all__ = ["LockStep"]

SLICE = 1_000_000  # clocks between two looks at whether to stop
PAGE = 4096


class LockStep:
    """`time` and `slot` are where the kernel finds its calendar and its card, one kernel's; `gone`: it has left.

    Engine, wire and socket files are the opener's to close, after `close`.
    """

    def __init__(
        self, engine: Engine, frequency: Frequency, backend: Backend, pin: Pin, wire: Wire, time: SocketFile,
        slot: SocketFile, tod: int = 0,
    ) -> None:  # fmt: skip
        self.calendar, self.gone = Calendar(tod), False
        self._engine, self._frequency, self._backend, self._pin, self._wire = engine, frequency, backend, pin, wire
        self._doors = time, slot
        self._time: Stream | None = None
        self._slot: Stream | None = None
        self._requests: Stream | None = None
        self._header: Header | None = None
        self._stopping = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def run(self, look: Callable[[], None] = lambda: None) -> None:
        """To the kernel's end or to `stop`; `look` is called now and then. Raises OutOfStep, CardEnded."""
        try:
            while not self._stopping:
                self.turn()
                look()
        except Gone:
            self.gone = True

    def stop(self) -> None:
        """End `run` after its turn; from a signal handler or another thread too."""
        self._stopping = True
        if self._wake >= 0:
            os.eventfd_write(self._wake, 1)

    def turn(self) -> None:
        """Hear one round of messages, or let time pass if the kernel waits. Raises Gone at its end, and as `run`."""
        if self.calendar.waiting:
            self._pass_time()
        else:
            self._hear()

    def close(self) -> None:
        """Closing once more does nothing."""
        self._backend.leave()
        for stream in (self._time, self._slot, self._requests):
            if stream is not None:
                stream.close()
        self._time = self._slot = self._requests = None
        if self._wake >= 0:
            os.close(self._wake)
            self._wake = -1

    # Time -----------------------------------------------------------------------------------------------------------

    def _pass_time(self) -> None:
        calendar = self.calendar
        wanted = FOREVER - 1 if calendar.wanted is None else calendar.wanted
        if self._advance(wanted):
            calendar.now = max(calendar.now, self._now())
            if self._backend.interrupt():
                self._tell(INTERRUPTS)
        elif not self._stopping:
            self._say(calendar.run(wanted).bytes())

    def _advance(self, until: int) -> bool:
        """The card's clock, to `until` ns or to an interrupt that the kernel is to be told of: whether that came."""
        last = self._frequency.clocks(until + 1) - 1  # the last clock that begins by then
        engine = self._engine
        while engine.now <= last and not self._stopping:
            self._wire.move(self._now())
            due = self._wire.deadline()
            if until >= FOREVER - 1 and due is None and engine.due() == NEVER:
                raise OutOfStep(f"at {self._now()} ns the kernel sleeps, and nothing is there that would ever wake it")
            limit = min(last, engine.now + SLICE)
            if due is not None:
                limit = min(limit, max(engine.now + 1, self._frequency.clocks(due)))
            event = engine.run(limit, Event.WIRE | (Event.IRQ if self._pin.armed else Event.NONE))
            if event & Event.IRQ and self._pin.rose():
                return True
            if engine.now == last and not event & Event.WIRE:
                return False
        return False

    def _now(self) -> int:
        return self._frequency.ns(self._engine.now)

    def _say(self, data: bytes) -> None:
        assert self._time is not None
        self._time.send(data)

    # Messages -------------------------------------------------------------------------------------------------------

    def _hear(self) -> None:
        time: Stream | SocketFile = self._time or self._doors[0]
        slot: Stream | SocketFile = self._slot or self._doors[1]
        heard = select.select([self._wake, time.fileno(), slot.fileno()], [], [])[0]
        if time.fileno() in heard:
            if isinstance(time, Stream):
                self._time_said(time)
            else:
                self._time = _came(time)
        if slot.fileno() in heard:
            if isinstance(slot, Stream):
                self._slot_said(slot)
            else:
                self._slot = _came(slot)

    def _time_said(self, end: Stream) -> None:
        while (data := end.take(SIZE)) is not None:
            for file in end.files():
                os.close(file)
            message = parse_time(data)
            answer = self.calendar.answer(message)
            if answer is not None:
                (_begin if message.op is TimeOp.START else Stream.send)(end, answer.bytes())

    def _slot_said(self, end: Stream) -> None:
        while True:
            if self._header is None:
                data = end.take(HEADER.size)
                if data is None:
                    return
                self._header = parse_header(data)
                if not self._header.possible:
                    raise OutOfStep(f"a vhost-user message of {self._header.size} bytes, flags {self._header.flags:#x}")
            payload = end.take(self._header.size)
            if payload is None:
                return
            header, self._header = self._header, None
            answer = self._backend.answer(header, payload, end.files())
            if self._backend.crowded:
                self._backend.called()
                self._tell(COMMANDS)
            if answer:
                end.send(answer)

    def _tell(self, queue: int) -> None:
        """That there is something in a queue; until the kernel has heard it, it may ask what time it is."""
        requests = self._request_stream()
        if requests is None or self._time is None:
            return
        requests.send(call(queue))
        while (answer := requests.take(HEADER.size + NUMBER.size)) is None:
            heard = select.select([self._wake, self._time.fileno(), requests.fileno()], [], [])[0]
            if self._time.fileno() in heard:
                self._time_said(self._time)
            if self._stopping:
                return
        if int.from_bytes(answer[HEADER.size :], "little"):
            raise OutOfStep(f"the kernel knows no queue {queue}")

    def _request_stream(self) -> Stream | None:
        if self._requests is None and self._backend.requests is not None:
            file = os.dup(self._backend.requests)
            try:
                self._requests = Stream(socket.socket(fileno=file))
            except OSError as error:
                os.close(file)
                raise OutOfStep(f"the kernel's descriptor for calls is no socket: {error.strerror}") from None
        return self._requests


def _came(door: SocketFile) -> Stream | None:
    end = door.accept()
    return None if end is None else Stream(end)


def _begin(end: Stream, answer: bytes) -> None:
    """With two files of a version that there is not: kernels from 6.11 on look for memory to share with their calendar,
    and take what is on their stack for a file when none comes.
    """
    files = [os.memfd_create("ringbed", os.MFD_CLOEXEC) for _ in range(2)]
    try:
        for file in files:
            os.ftruncate(file, PAGE)
        end.send(answer, files)
    finally:
        for file in files:
            os.close(file)
