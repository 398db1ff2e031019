"""The receive ring: buffers given to the card, frames it wrote back, and what the driver then says of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ringbed.drivers.world import Direction, RxFrame, Verdict
from ringbed.sim.checker.buffers import Buffers, Frame, Lent, Part, Shared
from ringbed.sim.checker.places import Stretch, here
from ringbed.sim.checker.registers import Registers
from ringbed.sim.checker.ring import Ring
from ringbed.sim.checker.scene import Scene
from ringbed.sim.processor.mirror import Change

__all__ = ["RxRing"]

MOST = 4096  # frames that a driver did not hand on, perhaps dropped


class RxRing(Ring):
    """See the head of the file."""

    def __init__(self, scene: Scene, registers: Registers, buffers: Buffers) -> None:
        rx = scene.rules.rx
        super().__init__(scene, registers, buffers, scene.rules.rx_ring, rx.layout[rx.done].mask)
        self._format = rx
        self._address = rx.layout["address"].mask
        self._end = rx.layout[rx.end].mask
        self._open = Frame()
        self._frames: deque[Frame] = deque(maxlen=MOST)
        self._parts: dict[int, Part] = {}  # by descriptor, until taken

    # ---- given ----

    def give(self, index: int, raw: bytes) -> None:
        address = int.from_bytes(raw, "little") & self._address
        if not address:
            return  # stores nothing: a pad (M 3.2.5.2)
        buffer = self._buffers.find(address, self._format.longest)
        if buffer is None:
            text = f"{self.name(index)} points to {address:#x}, where nothing is mapped"
            self._scene.find("rx.address", text, self.writer(index))
            return
        if isinstance(buffer, Lent):
            if not buffer.goes(Direction.FROM_DEVICE):
                text = f"{self.name(index)} has {buffer!r}, which is mapped to the device"
                self._scene.find("dma.direction", text, self.writer(index))
            self.hold(index, buffer)
        if self._registers.is_on(self.names.enable):
            self._must_fit(index, address, buffer)

    def given(self) -> None:
        """Each descriptor stands alone."""

    def _must_fit(self, index: int, address: int, buffer: Lent | Shared) -> None:
        control = self._format.control
        size, room = self._format.buffer_size(self._registers.value(control)), buffer.iova + buffer.length - address
        if room < size:
            text = f"{self.name(index)} has a buffer of {room} bytes, and {control} says {size}"
            self._scene.find("rx.small", text, self.writer(index))

    def turned_on(self) -> None:
        super().turned_on()
        for index in list(self.held):
            address = int.from_bytes(self.unit(index), "little") & self._address
            self._must_fit(index, address, self.held[index])

    # ---- written back ----

    def written_back(self, indices: list[int]) -> None:
        at = self._format.status_byte
        while self.first != self.tail:
            raw = self.unit(self.first)
            word = int.from_bytes(raw, "little")
            if not word & self._done:
                return
            part = self._parts[self.first] = Part(self.first, self._open)
            self._open.parts.append(part)
            if (lent := self.held.get(self.first)) is not None:
                lent.part = part
            if word & self._end:
                self._open.verdict = self._format.verdict(raw[at], raw[at + 1])
                self._frames.append(self._open)
                self._open = Frame()
            self.release(self.first)
            self.first = (self.first + 1) % self.size

    def stored(self, index: int, change: Change, where: Stretch) -> None:
        super().stored(index, change, where)
        if (part := self._parts.pop(index, None)) is not None:
            part.taken = True

    def reset(self) -> None:
        super().reset()
        self._open = Frame()
        self._parts.clear()

    def untaken(self) -> int:
        """Whole frames that the card wrote back and the driver has not looked at."""
        waiting = {id(p.frame): p.frame for p in self._parts.values() if not p.taken and p.frame.verdict is not None}
        return len(waiting)

    # ---- handed on ----

    def handed_on(self, frames: Sequence[RxFrame]) -> None:
        for frame in frames:
            known = self._known(frame.data)
            if known is None:
                continue
            if known.verdict is None or len(known.parts) > 1 and known.data != frame.data:
                text = f"{len(frame.data)} bytes were handed on as a frame, and are a part of one"
                self._scene.find("rx.partial", text, Stretch.of(known.parts[0].place, here()))
            elif frame.verdict & ~known.verdict:
                last, said, says = known.parts[-1], _words(frame.verdict), _words(known.verdict)
                text = f"{said} was said of a frame whose last descriptor, {last.index}, says {says}"
                self._scene.find("rx.verdict", text, Stretch.of(last.place, here()))

    def _known(self, data: bytes) -> Frame | None:
        """The received frame that these bytes are, or are a part of; those before a whole one were dropped."""
        for at, frame in enumerate(self._frames):
            if len(frame.parts) == 1 and frame.parts[0].data == data or frame.data == data:
                for _ in range(at + 1):
                    self._frames.popleft()
                return frame
            if len(frame.parts) > 1 and any(part.data == data for part in frame.parts):
                return frame
        return self._open if data and any(part.data == data for part in self._open.parts) else None


def _words(verdict: Verdict) -> str:
    return f"'IP {verdict.l3}, TCP or UDP {verdict.l4}'"
