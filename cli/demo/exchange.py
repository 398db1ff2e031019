"""The stack's side of an exchange: numbered requests in a window, answers compared byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ringbed.sim.wire.payload import payload

__all__ = ["Exchanged", "StackExchange"]


@dataclass(slots=True)
class Exchanged:
    """How an exchange ended. `wrong`: answered with other bytes; `lost`: not answered; sizes in bytes."""

    name: str
    sent: int = 0
    good: int = 0
    wrong: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    strays: int = 0

    @property
    def disagreements(self) -> int:
        return len(self.wrong) + self.strays

    def add(self, other: Exchanged) -> None:
        self.sent, self.good, self.strays = self.sent + other.sent, self.good + other.good, self.strays + other.strays
        self.wrong += other.wrong
        self.lost += other.lost


class StackExchange:
    """Asks for each of `sizes` once; `send(key, data)` puts a request into the stack, `answered` takes the answer.

    Only one request is out until the first answer: before that the neighbour's address is not known. A request without
    an answer for `patience_ns` is lost; `now` is wall time, since a real kernel answers.
    """

    def __init__(
        self, name: str, sizes: Iterable[int], seed: int, send: Callable[[int, bytes], object], patience_ns: int,
        window: int = 8,
    ) -> None:  # fmt: skip
        self.result = Exchanged(name)
        self._sizes = list(enumerate(sizes))[::-1]
        self._seed, self._send, self._window, self._patience_ns = seed, send, window, patience_ns
        self._flying: dict[int, bytes] = {}
        self._deadlines: dict[int, int] = {}

    def proceed(self, now: int) -> bool:
        """Send what the window allows; True when every request is answered or lost."""
        for key in [key for key in self._flying if self._deadlines[key] < now]:
            self.result.lost.append(len(self._flying.pop(key)))
        while self._sizes and len(self._flying) < (self._window if self.result.good else 1):
            key, size = self._sizes.pop()
            self._flying[key] = data = payload(self._seed, size)
            self._deadlines[key] = now + self._patience_ns
            self.result.sent += 1
            self._send(key, data)
        return not self._flying and not self._sizes

    def answered(self, key: int | None, data: bytes) -> None:
        """An answer; with no `key` its length finds the request."""
        if key is None:
            key = next((number for number, sent in self._flying.items() if len(sent) == len(data)), -1)
        expected = self._flying.pop(key, None)
        if expected is None:
            self.result.strays += 1
        elif expected == data:
            self.result.good += 1
        else:
            self.result.wrong.append(len(expected))

    def give_up(self) -> Exchanged:
        """No more answers are waited for."""
        self.result.lost += [len(data) for data in self._flying.values()] + [size for _, size in self._sizes]
        self._flying.clear()
        return self.result
