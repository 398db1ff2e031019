"""A card's back end of vhost-user: what each message of the kernel's does, and what is answered. No socket here.

Notifications come in band: a kick is answered when what it announced is done, so a register read is there at the
kernel's first look. What is refused has changed nothing, and its status says so where the kernel wants one.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from ringbed.sim.lockstep.card import SteppedCard
from ringbed.sim.lockstep.memory import LentMemory
from ringbed.sim.lockstep.pci_message import BadMessage, PciRead, interrupt, parse_pci
from ringbed.sim.lockstep.pin import Pin
from ringbed.sim.lockstep.queue import Chain, Queue
from ringbed.sim.lockstep.vhost import (
    FEATURES,
    NUMBER,
    PROTOCOL,
    QUEUES,
    Bad,
    GetConfig,
    Header,
    MemTable,
    Message,
    Request,
    SetNumber,
    VringAddress,
    VringState,
    parse_payload,
    reply,
)

__all__ = ["COMMANDS", "INTERRUPTS", "Backend"]

COMMANDS, INTERRUPTS = 0, 1  # the queues
CROWD = 128  # posted writes that the kernel has not taken back, of 256 entries that a queue of its has
REFUSED = 1


class Backend:
    """`requests` is the descriptor that calls go to, once the kernel has given it; `crowded`: it must take back what it
    posted before it posts more.
    """

    def __init__(
        self, card: SteppedCard, memory: LentMemory, pin: Pin, say: Callable[[str], None] = lambda text: None
    ) -> None:
        self.requests: int | None = None
        self._card, self._memory, self._pin, self._say = card, memory, pin, say
        self._sizes, self._bases = [0] * QUEUES, [0] * QUEUES
        self._addresses: list[VringAddress | None] = [None] * QUEUES
        self._queues: list[Queue | None] = [None] * QUEUES
        self._waiting: list[Chain] = []  # buffers for interrupts
        self._posted = 0

    @property
    def crowded(self) -> bool:
        return self._posted >= CROWD

    def called(self) -> None:
        """The kernel takes back what it posted."""
        self._posted = 0

    def answer(self, header: Header, payload: bytes, files: list[int]) -> bytes:
        """What goes back: an answer, a status, or nothing. `files` that are not kept are closed."""
        try:
            data = self._done(parse_payload(header, payload, len(files)), files)
        except Bad as bad:
            self._card.function.counts["refused"] += 1
            self._say(f"refused: {bad}")
            return reply(header.request, NUMBER.pack(REFUSED)) if header.wants_status else b""
        finally:
            for file in files:
                os.close(file)
        if data is None:
            return reply(header.request, NUMBER.pack(0)) if header.wants_status else b""
        return reply(header.request, data)

    def interrupt(self) -> bool:
        """Put the line's message into a buffer of the kernel's; whether there was one."""
        queue = self._queues[INTERRUPTS]
        if queue is None or not self._waiting:
            return False
        chain = self._waiting.pop(0)
        queue.give(chain, chain.answer(interrupt()))
        return True

    def leave(self) -> None:
        """All that the kernel lent is given back."""
        self._queues, self._waiting = [None] * QUEUES, []
        self._memory.clear()
        if self.requests is not None:
            os.close(self.requests)
            self.requests = None

    def _done(self, message: Message, files: list[int]) -> bytes | None:
        """The answer of a question, None for what is only done."""
        match message:
            case MemTable():
                self._queues, self._waiting = [None] * QUEUES, []
                self._memory.replace(message, files)
            case VringAddress():
                self._addresses[message.index] = message
            case VringState():
                self._state(message)
            case SetNumber():
                offered = FEATURES if message.request is Request.SET_FEATURES else int(PROTOCOL)
                if message.value & ~offered:
                    raise Bad(f"{message.request.name} {message.value:#x}, of which {offered:#x} was offered")
            case GetConfig():
                return message.echo + bytes(message.size)
            case _:
                return self._plain(message.request, files)
        return None

    def _plain(self, request: Request, files: list[int]) -> bytes | None:
        if request is Request.SET_BACKEND_REQ_FD:
            if self.requests is not None:
                raise Bad("a second SET_BACKEND_REQ_FD")
            self.requests = files.pop()
        questions = {Request.GET_FEATURES: FEATURES, Request.GET_PROTOCOL_FEATURES: int(PROTOCOL)}
        return NUMBER.pack(questions[request]) if request in questions else None

    def _state(self, message: VringState) -> None:
        match message.request:
            case Request.SET_VRING_NUM:
                self._sizes[message.index] = message.value
            case Request.SET_VRING_BASE:
                self._bases[message.index] = message.value
            case Request.SET_VRING_ENABLE:
                self._queues[message.index] = self._enabled(message.index) if message.value else None
            case _:
                self._kicked(message.index)

    def _enabled(self, index: int) -> Queue:
        address, size = self._addresses[index], self._sizes[index]
        if address is None or not size:
            raise Bad(f"queue {index} is enabled before it has a place and a size")
        if index == INTERRUPTS:
            self._waiting = []
        return self._queues[index] or Queue(self._memory, size, address, self._bases[index])

    def _kicked(self, index: int) -> None:
        queue = self._queues[index]
        if queue is None:
            raise Bad(f"a kick of queue {index}, which is not enabled")
        while (chain := queue.take()) is not None:
            if index == INTERRUPTS:
                self._waiting.append(chain)
            else:
                queue.give(chain, self._commanded(chain))
        if index == INTERRUPTS:
            self._pin.handled()

    def _commanded(self, chain: Chain) -> int:
        """How many bytes of an answer there are."""
        try:
            message = parse_pci(chain.said)
        except BadMessage as bad:
            self._card.function.counts["refused"] += 1
            self._say(f"refused: {bad}")
            return 0
        if isinstance(message, PciRead):
            self._posted = 0  # the kernel takes back what it finds on its way to the answer
            return chain.answer(self._card.read(message))
        self._posted += 1
        self._card.write(message)
        return 0
