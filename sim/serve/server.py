"""A card on a socket: clients one after the other, the card's clock, its interrupt line and its wire, in one thread.

A turn is: wait until a client, the wire or the card itself wants something; let time come to where it should be; do
what the client's messages say; let the card run a slice. Nothing in it waits for a client: while the card wants bytes
that only the client has, its clock stands still, and messages are heard as ever.
"""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable

from ringbed.sim.seam.engine import Event
from ringbed.sim.serve.asked import AskedMemory
from ringbed.sim.serve.connection import Connection, Gone
from ringbed.sim.serve.function import Bursting, PciFunction
from ringbed.sim.serve.header import LONGEST, Header, error
from ringbed.sim.serve.pace import Pace
from ringbed.sim.serve.session import Session
from ringbed.sim.serve.socket_file import SocketFile
from ringbed.sim.serve.wires import Wire

__all__ = ["Server"]

ARMED = Event.IRQ | Event.ASKED  # a flag is slow to make, and there are two in each turn


class Server:
    """`clients` counts those that greeted; `say` is told of clients that come and go, and of what they are refused.

    `path` is where it listens. The engine, the wire and the socket file are the opener's to close, after `close`.
    """

    def __init__(
        self, engine: Bursting, function: PciFunction, pace: Pace, wire: Wire, file: SocketFile,
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.clients, self.path = 0, file.path
        self._engine, self._function, self._pace, self._wire = engine, function, pace, wire
        self._file, self._say = file, say
        self._interrupts = function.interrupts
        self._connection: Connection | None = None
        self._session: Session | None = None
        self._asked: AskedMemory | None = None
        self._stopping = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def run(self) -> None:
        """Serve until `stop`. Raises CardEnded."""
        while not self._stopping:
            self.turn()

    def stop(self) -> None:
        """End `run` after its turn; from a signal handler or another thread too."""
        self._stopping = True
        os.eventfd_write(self._wake, 1)

    def turn(self, wait: bool = True) -> None:
        """Once round; without `wait`, with what is there now."""
        heard = self._heard(self._patience() if wait else 0.0)
        self._risen(self._pace.follow(self._stop))
        self._clients(heard)
        if not self._asks():
            self._risen(self._pace.step(self._stop))
        self._wire.move(self._pace.now)

    def close(self) -> None:
        """The client, if there is one, is left alone with a closed socket; closing once more does nothing."""
        if self._connection is not None:
            self._left("the server ends")
        if self._wake >= 0:
            os.close(self._wake)
            self._wake = -1

    @property
    def busy(self) -> bool:
        """Something is in flight in the card."""
        return self._pace.busy

    @property
    def _stop(self) -> Event:
        return ARMED if self._interrupts.armed else Event.ASKED

    def _patience(self) -> float | None:
        """Seconds until something is to be done although nobody has come; None: never."""
        late = None if self._asked is None else self._asked.deadline
        if late is not None:
            return max(0, late - self._pace.wall()) / 1e9
        return self._pace.wait(self._wire.deadline())

    def _asks(self) -> bool:
        """Whether the card waits for bytes that the client is asked for."""
        try:
            return self._asked is not None and self._asked.look()
        except Gone as why:
            self._left(str(why))
            return False

    def _risen(self, event: Event) -> None:
        if event & Event.IRQ:
            self._interrupts.rose()

    def _heard(self, seconds: float | None) -> set[int]:
        """Descriptors that want something, after at most so long."""
        door, client = self._file.fileno(), self._connection
        blocked = client is not None and client.full
        reads = [self._wake, *self._interrupts.files(), *self._wire.files()]
        reads += [door] if client is None else [] if blocked else [client.fileno()]
        writes = [client.fileno()] if client is not None and blocked else []
        return {*sum(select.select(reads, writes, [], seconds)[:2], [])}

    def _clients(self, heard: set[int]) -> None:
        if heard & {*self._interrupts.files()}:
            self._interrupts.heard()
        if self._connection is None:
            if self._file.fileno() in heard:
                self._came()
        elif self._connection.fileno() in heard:
            self._served(self._connection)

    def _came(self) -> None:
        end = self._file.accept()
        if end is not None:
            function, client = self._function, Connection(end)
            self._connection = client
            self._asked = AskedMemory(self._engine, function.memory, function.counts, client.send, self._pace.wall)
            self._session = Session(self._engine, function, self._asked, self._say)

    def _served(self, client: Connection) -> None:
        try:
            client.flush()
            for header, payload, files in client.messages():
                client.send(self._answer(header, payload, files))
                if self._session is None or self._session.over:
                    self._left("it was sent away")
                    return
        except Gone as why:
            self._left(str(why))

    def _answer(self, header: Header, payload: bytes, files: list[int]) -> bytes:
        assert self._session is not None
        if header.possible:
            greeted = self._session.greeted
            answer = self._session.answer(header, payload, files)
            if self._session.greeted and not greeted:
                self.clients += 1
                self._say(f"client {self.clients} is here")
            return answer
        for file in files:
            os.close(file)
        self._session.over = True
        self._say(f"message {header.number} says that it has {header.size} bytes, which 16 to {LONGEST} may have")
        return b"" if header.posted else error(header, errno.EINVAL)

    def _left(self, why: str) -> None:
        session, client = self._session, self._connection
        assert session is not None
        assert client is not None
        self._session = self._connection = self._asked = None
        client.close()
        if session.greeted:
            session.leave()
            self._say(f"client {self.clients} is gone: {why}")
