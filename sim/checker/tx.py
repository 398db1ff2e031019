"""The transmit ring: every descriptor that the tail gives to the card, put together to frames, and each judged."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from ringbed.drivers.world import Direction
from ringbed.hw.formats.rules import SumFields
from ringbed.sim.checker.buffers import Buffers, Lent, Shared
from ringbed.sim.checker.contexts import Contexts
from ringbed.sim.checker.headers import LONGEST
from ringbed.sim.checker.places import Stretch
from ringbed.sim.checker.registers import Registers
from ringbed.sim.checker.ring import Ring
from ringbed.sim.checker.scene import Scene

__all__ = ["TxRing"]

FCS = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """One descriptor's share of a frame."""

    index: int
    word: int
    address: int
    length: int
    buffer: Lent | Shared | None

    def read(self, most: int) -> bytes:
        """Its first bytes, as the card will read them."""
        buffer, at = self.buffer, 0 if self.buffer is None else self.address - self.buffer.iova
        if buffer is None:
            return b""
        end = at + min(self.length, most)
        return buffer.inner.read(end)[at:] if isinstance(buffer, Lent) else bytes(buffer.memory.view[at:end])


@dataclass
class _Masks:
    """Of a descriptor as one number."""

    extended: int
    end: int
    fcs: int
    tag: int
    cut: int
    ip: int
    l4: int


class TxRing(Ring):
    """See the head of the file."""

    def __init__(self, scene: Scene, registers: Registers, buffers: Buffers) -> None:
        tx = self._format = scene.rules.tx
        data = tx.data
        super().__init__(scene, registers, buffers, scene.rules.tx_ring, data[tx.done].mask)
        self._masks = _Masks(
            *(data[each].mask for each in (tx.extended, tx.end, tx.fcs, tx.tag, tx.cut, tx.ip.ask, tx.l4.ask))
        )
        self._address = data["address"].mask
        self._kind = data[tx.kind]
        self._lengths = tx.legacy[tx.legacy_length], data[tx.data_length]
        self._pieces: list[Piece] = []
        self._inside: list[tuple[str, Stretch]] = []  # what was amid them and should not be
        self.contexts = Contexts(scene)

    def reset(self) -> None:
        super().reset()
        self._pieces.clear()
        self._inside.clear()
        self.contexts.forget()

    # ---- given ----

    def give(self, index: int, raw: bytes) -> None:
        word = int.from_bytes(raw, "little")
        extended = bool(word & self._masks.extended)
        if extended and not self._kind.get(word):
            if self._pieces:
                self._mixed(index, "a context")
            self.contexts.load(index, word, self.writer(index))
            return
        if self._pieces and bool(self._pieces[0].word & self._masks.extended) is not extended:
            self._mixed(index, "data" if extended else "legacy")
        self._pieces.append(self._piece(index, word, self._lengths[extended].get(word)))
        if word & self._masks.end:
            for text, where in self._inside:
                self._scene.find("tx.mixed", text, where)
            self._judge()
            self._pieces.clear()
            self._inside.clear()

    def _mixed(self, index: int, what: str) -> None:
        """Told when the frame has an end: without one that is what is wrong."""
        text = f"{self.name(index)} is {what}, inside the frame that began with descriptor {self._pieces[0].index}"
        self._inside.append((text, self.writer(index)))

    def _piece(self, index: int, word: int, length: int) -> Piece:
        address = word & self._address
        if not address or not length:
            return Piece(index, word, address, 0, None)  # transfers nothing (M 3.3.3.1)
        buffer = self._buffers.find(address, length)
        if isinstance(buffer, Lent):
            if not buffer.goes(Direction.TO_DEVICE):
                text = f"{self.name(index)} has {buffer!r}, which is mapped from the device"
                self._scene.find("dma.direction", text, self.writer(index))
            self.hold(index, buffer)
        beyond = length if buffer is None else address + length - (buffer.iova + buffer.length)
        if beyond > 0:
            where = "where nothing is mapped" if buffer is None else f"{beyond} beyond the end of what is mapped there"
            text = f"{self.name(index)} has {length} bytes at {address:#x}, {where}"
            self._scene.find("tx.address", text, self.writer(index))
            buffer = None
        return Piece(index, word, address, length, buffer)

    def given(self) -> None:
        if self._pieces:
            last = self._pieces[-1]
            text = f"{self.name(last.index)} is the last of the frames given, and has no {self._format.end}"
            self._scene.find("tx.no_end", text, self.writer(last.index))
            self._pieces.clear()
            self._inside.clear()
        self.contexts.bell()

    # ---- a whole frame ----

    def _judge(self) -> None:
        first, last, masks = self._pieces[0], self._pieces[-1], self._masks
        length = sum(piece.length for piece in self._pieces)
        cut = bool(first.word & masks.extended and first.word & masks.cut)
        self._judge_end(first if cut else last, cut, length)
        if first.word & masks.extended and first.word & (masks.ip | masks.l4 | masks.cut):
            name, where, asked = self.name(first.index), self.writer(first.index), self._asked(first.word)
            self.contexts.judge(name, where, cut, asked, length, self._begin)

    def _asked(self, word: int) -> list[SumFields]:
        tx, masks = self._format, self._masks
        return [sums for sums, mask in ((tx.ip, masks.ip), (tx.l4, masks.l4)) if word & mask]

    def _begin(self) -> bytes:
        """The frame's first bytes; b"" when some are not known."""
        data = b""
        for piece in self._pieces:
            if piece.length and piece.buffer is None:
                return b""
            data += piece.read(LONGEST - len(data))
            if len(data) >= LONGEST:
                break
        return data

    def _judge_end(self, piece: Piece, cut: bool, length: int) -> None:
        """What stands in the descriptor that counts: the last, of a message the first (M 3.3.7.1)."""
        tx, masks, word = self._format, self._masks, piece.word
        tagged = self._registers.is_on(tx.tagging)
        if word & masks.tag and not tagged:
            text = f"{self.name(piece.index)} has {tx.tag}, and {tx.tagging.register}.{tx.tagging.field} is 0"
            self._scene.find("tx.untagged", text, self.writer(piece.index))
        if not word & masks.fcs and not (word & masks.tag and tagged) and (cut or not self._has_fcs()):
            text = f"{self.name(piece.index)} ends a frame of {length} bytes without {tx.fcs}"
            self._scene.find("tx.no_fcs", text, self.writer(piece.index))
        if length > tx.longest and not cut:
            text = f"{self.name(piece.index)} ends a frame of {length} bytes, and {tx.longest} is the most"
            self._scene.find("tx.long", text, self.writer(piece.index))

    def _has_fcs(self) -> bool:
        """Whether the frame ends in its own FCS (IEEE 802.3, 3.2.9), or cannot be read."""
        if any(piece.length and piece.buffer is None for piece in self._pieces):
            return True
        data = b"".join(piece.read(piece.length) for piece in self._pieces)
        return crc32(data[:-FCS]).to_bytes(FCS, "little") == data[-FCS:]

    # ---- written back ----

    def written_back(self, indices: list[int]) -> None:
        """A descriptor that is done ends all before it: those without RS are not written back."""
        done = [i for i in indices if self.owns(i) and int.from_bytes(self.unit(i), "little") & self._done]
        if not done:
            return
        last = max((index - self.first) % self.size for index in done)
        for _ in range(last + 1):
            self.release(self.first)
            self.first = (self.first + 1) % self.size
