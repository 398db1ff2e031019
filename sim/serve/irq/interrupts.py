"""A card's interrupt lines on their way to a client: all of them together as INTx, or each as a vector of its own.

A client has one kind at a time, the one that it has given eventfds for, as with Linux's VFIO. The enable bits of the
capabilities are kept and shown; what they were to do, the eventfds do.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import Protocol

from ringbed.drivers.world import PciIdentity
from ringbed.sim.seam.engine import NEVER, Engine
from ringbed.sim.serve.irq.line import Line
from ringbed.sim.serve.irq.table import Table
from ringbed.sim.serve.irq.vectors import Vectors
from ringbed.sim.serve.messages import Action, Data, Refusal, SetIrqs

__all__ = ["KINDS", "MAX_FILES", "Interrupts", "Lined"]

KINDS, INTX, MSI, MSIX = 5, 0, 1, 2  # VFIO's: INTx, MSI, MSI-X, errors, requests to let go
NAMES = "INTx", "MSI", "MSI-X", "errors", "requests"
WORD = 4  # bytes
MAX_FILES = 8  # descriptors that may come with one message
EVENTFD, MASKABLE, AUTOMASKED = 1, 2, 4  # flags of a kind
LINES = (1 << 64) - 1  # as many as a card may have


class Lined(Engine, Protocol):
    """An engine that knows a card's interrupt lines one by one: native."""

    @property
    def lines(self) -> int: ...

    def risen(self) -> int: ...

    def watch(self, lines: int | None) -> None: ...


class Interrupts:
    """Whatever has changed what the client wants to hear is followed by `settle`."""

    def __init__(self, engine: Lined, pci: PciIdentity) -> None:
        self.line = Line()
        msix = Vectors(pci.vectors if pci.msix is not None else 0, True)
        self._kinds = {MSI: Vectors(pci.msi_vectors, False), MSIX: msix}
        self.table = None if pci.msix is None else Table(pci.msix, msix)
        self._engine, self._watched, self._pins = engine, False, int(pci.pin != 0)
        self.settle()

    @property
    def vectors(self) -> Vectors:
        """Those that the client has eventfds for; of none of them, MSI-X's before MSI's."""
        msi, msix = self._kinds[MSI], self._kinds[MSIX]
        return msi if msi.on or not (msix.on or msix.count) else msix

    @property
    def armed(self) -> bool:
        """Whether somebody is to be told of something when it comes."""
        return bool(self.vectors.wanted) if self.vectors.on else self.line.armed

    @property
    def signals(self) -> int:
        return self.line.signals + sum(each.signals for each in self._kinds.values())

    def count(self, kind: int) -> int:
        if kind == INTX:
            return self._pins
        return self._kinds[kind].count if kind in self._kinds else 0

    def flags(self, kind: int) -> int:
        """VFIO_IRQ_INFO's."""
        return (EVENTFD | MASKABLE | (AUTOMASKED if kind == INTX else 0)) if self.count(kind) else 0

    def rose(self) -> None:
        """The engine says that there is something to tell."""
        if not self.vectors.on:
            self.line.rose()
        self.settle()

    def follow(self, master: bool, no_intx: bool, masked: int, given: int, gated: bool = False) -> None:
        """Configuration space: bus master, INTx disabled; of MSI which are masked and how many given, and of MSI-X the
        function mask.
        """
        self._look()
        self.line.disable(no_intx)
        for each in self._kinds.values():
            each.master = master
        self._kinds[MSI].masked, self._kinds[MSI].given = masked, given
        self._kinds[MSIX].gated = gated
        self.settle()

    def settle(self) -> None:
        """Tell what can be told now, and have the engine stop for what the client wants to hear of."""
        self._look()
        if self.vectors.on:
            self._engine.hold_irq(0)
            self._engine.watch(self.vectors.wanted & LINES)
        else:
            self._engine.hold_irq(0 if self.line.armed else NEVER)
            if self._watched:
                self._engine.watch(None)
        self._watched = self.vectors.on

    def set(self, message: SetIrqs, files: list[int]) -> Refusal | None:
        """What a SetIrqs says; of `files` those that are kept are taken out. A refusal has changed nothing."""
        refusal = self._refuses(message, files)
        if refusal is not None:
            return refusal
        self._look()
        if message.index == INTX:
            self._set_intx(message, files)
        elif self.count(message.index):
            self._set_vectors(message, files)
        self.settle()
        return None

    def files(self) -> list[int]:
        """Descriptors to be watched: `heard` when one can be read."""
        return self.line.files()

    def heard(self) -> None:
        self.line.heard()
        self.settle()

    def reset(self) -> None:
        """The card was reset."""
        self._engine.risen()
        for each in self._kinds.values():
            each.reset()
        if self.table is not None:
            self.table.reset()

    def close(self) -> None:
        """The client is gone, and its descriptors with it; the next finds the vectors as they began."""
        self.line.close()
        for each in self._kinds.values():
            each.disarm(each.all)
            each.reset()
        self.settle()

    def read_table(self, offset: int) -> int:
        """A word of MSI-X's BAR; 0 where the card has none."""
        self._look()
        return 0 if self.table is None else self.table.read(offset)

    def write_table(self, offset: int, words: Iterable[int]) -> None:
        """Words of MSI-X's BAR, one behind the other, at one moment: what can be told of it is told after the last."""
        self._look()
        if self.table is not None:
            for at, word in enumerate(words):
                self.table.write(offset + WORD * at, word)
        self.settle()

    def shown(self) -> tuple[int, int, bool]:
        """Of MSI the vectors that are masked and those that are pending; and whether INTx is up."""
        self._look()
        intx, msi = self.count(INTX) > 0 and not self.vectors.on, self._kinds[MSI]
        return msi.masked, msi.pending, intx and self._engine.lines != 0

    def _look(self) -> None:
        """Before anything changes: what rose until now is told, or not, by what held until now."""
        risen, up = self._engine.risen(), self._engine.lines
        for each in self._kinds.values():
            each.look(risen, up)

    def _refuses(self, message: SetIrqs, files: list[int]) -> Refusal | None:
        kind, intx = message.index, message.index == INTX
        if kind >= KINDS or message.start + message.count > self.count(kind):
            wanted = f"{message.count} interrupts from {message.start} on of kind {kind}"
            return Refusal(errno.EINVAL, f"the card has not {wanted}")
        if len(files) > MAX_FILES:
            return Refusal(errno.EINVAL, f"{len(files)} descriptors at once, and {MAX_FILES} may come")
        if message.data is not Data.EVENTFD:
            return None
        if message.action is Action.MASK or (message.action is Action.UNMASK and not intx):
            way = "masks" if message.action is Action.MASK else "unmasks"
            return Refusal(errno.ENOTSUP, f"an eventfd that {way} {NAMES[kind]}")
        if files and any(on for other, on in self._on().items() if other != kind):
            return Refusal(errno.EINVAL, f"{NAMES[kind]} while another kind is on: that one ends first")
        return None

    def _on(self) -> dict[int, bool]:
        """By kind, whether the client has eventfds for it."""
        return {INTX: self.line.on} | {kind: each.on for kind, each in self._kinds.items()}

    def _set_intx(self, message: SetIrqs, files: list[int]) -> None:
        line, meant = self.line, message.data is not Data.BOOL or bool(message.bools[0])
        if message.data is Data.EVENTFD:
            file = files.pop() if files else None
            (line.set_trigger if message.action is Action.TRIGGER else line.set_unmask)(file)
        elif not message.count:
            line.close()
        elif meant and message.action is Action.TRIGGER:
            line.tell()
        elif meant:
            line.mask(message.action is Action.MASK)

    def _set_vectors(self, message: SetIrqs, files: list[int]) -> None:
        vectors, meant = self._kinds[message.index], ((1 << message.count) - 1) << message.start
        if message.data is Data.EVENTFD and files:
            vectors.arm(message.start, files, self._engine.lines)
            files.clear()
        elif message.data is Data.EVENTFD:
            vectors.disarm(meant)
        elif not message.count:
            vectors.disarm(vectors.all)
        else:
            if message.data is Data.BOOL:
                meant = sum(1 << message.start + at for at, each in enumerate(message.bools) if each)
            _tell_or_mask(vectors, message.action, meant)


def _tell_or_mask(vectors: Vectors, action: Action, meant: int) -> None:
    if action is Action.TRIGGER:
        vectors.trigger(meant)
    else:
        vectors.mask(meant, action is Action.MASK)
