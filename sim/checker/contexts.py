"""The card's two transmit contexts, for frames and for messages that it cuts, against the frames they are used for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ringbed.hw.formats.rules import SumFields
from ringbed.sim.checker.headers import TCP, UDP, Headers, parse
from ringbed.sim.checker.places import Stretch
from ringbed.sim.checker.scene import Scene

__all__ = ["Contexts"]

UDP_HEADER = 8


@dataclass(slots=True)
class _Loaded:
    index: int
    values: dict[str, int]
    where: Stretch
    bell: int  # the doorbell that gave it to the card
    suited: bool = False  # a frame before


class Contexts:
    """Each kind is kept until it is loaded again, or the card is reset."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self._format = scene, scene.rules.tx
        self._loaded: dict[bool, _Loaded] = {}
        self._bell = 0

    def forget(self) -> None:
        self._loaded.clear()

    def bell(self) -> None:
        """A doorbell's descriptors are through."""
        self._bell += 1

    def load(self, index: int, word: int, where: Stretch) -> None:
        values = self._format.context.unpack(word)
        self._loaded[bool(values[self._format.cut])] = _Loaded(index, values, where, self._bell)

    def judge(
        self, name: str, where: Stretch, cut: bool, asked: Sequence[SumFields], length: int, begin: Callable[[], bytes],
    ) -> None:  # fmt: skip
        """A frame of `length` bytes, whose first descriptor is `name`, written at `where`, and asks for `asked`."""
        context = self._loaded.get(cut)
        if context is None:
            kind = "segmentation" if cut else "sums"
            self._scene.find("tx.no_context", f"{name} asks for {kind}, and no context for that was loaded", where)
            return
        headers = parse(begin())
        if headers is None:
            return
        wrong = [text for sums in asked for text in self._wrong(sums, context.values, headers, length)]
        if wrong:
            old = context.suited or context.bell != self._bell
            text = f"{name} uses the context of descriptor {context.index}: {', '.join(wrong)}"
            self._scene.find("tx.stale_context" if old else "tx.context", text, where if old else context.where)
            return
        context.suited = True
        if cut:
            self._message(name, context, headers, length)

    def _wrong(self, sums: SumFields, values: dict[str, int], headers: Headers, length: int) -> list[str]:
        """What is not where this frame has it."""
        if sums is self._format.ip:
            if headers.version != 4:
                return []
            header_end = headers.l4 - 1 if headers.l4 is not None else None
            wanted: dict[str, tuple[int, ...]] = {sums.start: (headers.ip,), sums.place: (headers.ip + 10,)}
            if header_end is not None:
                wanted[sums.end] = (header_end,)
        elif headers.l4 is None or self._is_inside(values[sums.start], headers):
            return []
        else:
            wanted = {sums.start: (headers.l4,), sums.place: (headers.l4_sum,), sums.end: (0, length - 1)}
        return [f"{key} is {values[key]}, not {right[0]}" for key, right in wanted.items() if values[key] not in right]

    def _is_inside(self, start: int, headers: Headers) -> bool:
        """A sum of what a tunnel over UDP carries is not for us to judge."""
        return headers.protocol == UDP and headers.l4 is not None and start >= headers.l4 + UDP_HEADER

    def _message(self, name: str, context: _Loaded, headers: Headers, length: int) -> None:
        tx, values = self._format, context.values
        header, payload = values[tx.header], values[tx.payload]
        if headers.l4 is not None and headers.protocol in (TCP, UDP) and header != headers.payload:
            text = f"{name} begins a message whose headers are {headers.payload} bytes, and {tx.header} is {header}"
            self._scene.find("tx.header", text, context.where)
        elif payload != length - header:
            text = f"{name} begins a message of {length} bytes, and {tx.header} + {tx.payload} is {header + payload}"
            self._scene.find("tx.payload", text, context.where)
