"""The checker of one host's driver: what it does to registers, rings and buffers, held against the card's rules.

A host calls `leave` before the card's clock runs, `ran` after, and lets `interrupt` and `down` call the driver. All
else comes through `world.py`.
"""

from __future__ import annotations

from types import FrameType

from ringbed.drivers.world import Buffer, Coherent, Device, Direction, Mapping, Nic
from ringbed.hw.formats.rules import Rules
from ringbed.sim.checker.buffers import Buffers, Lent, Shared
from ringbed.sim.checker.duties import Duties
from ringbed.sim.checker.finding import DriverFinding
from ringbed.sim.checker.lines import Lines
from ringbed.sim.checker.places import NOWHERE, Chain, Stretch, frames, shared, whole
from ringbed.sim.checker.registers import Programmed, Registers
from ringbed.sim.checker.rx import RxRing
from ringbed.sim.checker.scene import Scene
from ringbed.sim.checker.tx import TxRing
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.processor.model import Processor
from ringbed.sim.processor.weak import Weak
from ringbed.sim.seam.engine import Engine

__all__ = ["Checker"]


class Checker:
    """See the head of the file. `take` gives what was found since the last call."""

    def __init__(
        self, rules: Rules, engine: Engine, memory: HostMemory, lines: bool = False,
        processor: Processor | None = None, weak: Weak | None = None,
    ) -> None:  # fmt: skip
        self.scene = Scene(rules, engine)
        self.registers = Registers(self.scene)
        self.buffers = Buffers()
        self.rx = RxRing(self.scene, self.registers, self.buffers)
        self.tx = TxRing(self.scene, self.registers, self.buffers)
        self._engine, self._memory = engine, memory
        self.lines = Lines(self)
        self.driver: Nic | None = None  # once it is made
        self._by_line = lines
        self._processor = processor or Processor()
        self._weak = weak
        self._owed = 0  # ns that its stores took, and that did not pass yet
        self._clock = engine.now
        self._lent_now: list[Lent] = []  # since the driver was called, what could change
        self._duties = Duties(self.scene)
        names = rules.registers
        self._cause = names[rules.interrupt.cause].offset
        self._card = Programmed(self.scene, self.registers, self.rx, self.tx)

    def take(self) -> list[DriverFinding]:
        """What was found since the last call; what is not released yet is looked at first."""
        self._left()
        return self.scene.log.take()

    # ---- time ----

    def sync(self) -> None:
        """The driver calls: what changed in shared memory are its stores since the last point."""
        scene, now = self.scene, frames()
        chain = tuple([(frame.f_code, frame.f_lineno) for frame in now])
        if self._engine.now != self._clock:  # somebody let the clock run past us: who stored what, nobody knows
            self.ran()
        changed = [(each, changes) for each in self.buffers.shared.values() if (changes := each.mirror.take())]
        if changed or self._lent_now:
            where = self._since(chain, now)
            for each, changes in changed:
                self._owed += self._processor.store_ns * len(changes)
                each.stored(changes, where)
                if self._weak is not None:
                    each.unseen.update(change.index for change in changes)
            if self._lent_now:
                self._compare(self._lent_now[-1], where)
        scene.begin, scene.frames = chain, now

    def _since(self, chain: Chain, now: list[FrameType]) -> Stretch:
        """The line that made them, where that is known, or the stretch of lines."""
        scene = self.scene
        if scene.line:
            return Stretch(NOWHERE, scene.line, exact=True, chained=True)
        return Stretch(scene.begin, chain, shared=shared(scene.frames, now))

    def ran(self) -> None:
        """The clock ran: what changed in shared memory is the card's."""
        if self._weak is not None:
            self._weak.look()
        for each in self.buffers.shared.values():
            each.written_back()
        self._clock = self._engine.now

    def spend(self, device: Device, nanoseconds: int = 0) -> None:
        """Let pass what the stores until now took, and so much more; the card goes on meanwhile."""
        owed, self._owed = self._owed + nanoseconds, 0
        if owed:
            device.delay(owed)
            self.ran()

    def seen(self) -> None:
        """A barrier: what the driver stored until now is seen by the card before what comes."""
        if self._weak is not None:
            for each in self.buffers.shared.values():
                each.unseen.clear()

    def leave(self) -> None:
        """The driver has returned, or is about to be called. Weak stores get time to be seen."""
        self._left()
        if self._weak is not None:
            self._weak.drain()
            self.ran()
            self.seen()

    def _left(self) -> None:
        begin, before = self.scene.begin, self.scene.frames
        self.sync()
        if self._lent_now:
            where = Stretch(begin, self.scene.begin, shared=shared(before, self.scene.frames))
            for lent in self._lent_now:
                self._compare(lent, where)
            self._lent_now.clear()
        self.scene.begin, self.scene.frames = NOWHERE, []
        if self.scene.log.vague and self.driver is not None:
            self.lines.attach(self.driver)

    def line(self, left: bool) -> None:
        """As `sync`, before a line of the driver's, or at the end of a function: what comes is that line's."""
        self.sync()
        self.scene.line = self.scene.begin[1:] if left else self.scene.begin

    def untraced(self) -> None:
        self.sync()
        self.scene.line = NOWHERE

    def accessed(self, device: Device) -> None:
        """A register was written or read."""
        self.spend(device, self._processor.access_ns)

    # ---- registers ----

    def has_read(self, offset: int, value: int) -> None:
        if offset == self._cause:
            self._duties.acknowledged(value)

    def will_write(self, offset: int, value: int) -> None:
        self._card.write(offset, value)
        if offset == self._cause:
            self._duties.acknowledged(value)

    # ---- memory ----

    def allocated(self, memory: Coherent) -> Coherent:
        self.buffers.shared[memory.iova] = Shared(memory, self.scene.begin)
        return memory

    def will_free(self, memory: Coherent) -> None:
        self.sync()
        known = self.buffers.shared.get(memory.iova)
        if known is not None and known.memory is memory:
            for _, _, ring in list(known.rings):
                ring.freed()
            del self.buffers.shared[memory.iova]

    def mapped(self, inner: Mapping, data: Buffer, direction: Direction) -> Lent:
        keeps = direction is Direction.TO_DEVICE and not isinstance(data, bytes)
        lent = Lent(inner, direction, data if keeps else None, self, self.scene.begin)
        self.buffers.lend(lent)
        if keeps:
            self._lent_now.append(lent)
        return lent

    def will_unmap(self, mapping: Mapping) -> Mapping:
        self.sync()
        if not isinstance(mapping, Lent):
            return mapping
        self._duties.served()
        if self.buffers.lent.get(mapping.iova) is mapping:
            if mapping.owned:
                self.scene.find_here("dma.early_unmap", f"{mapping!r} was unmapped while {self._owner(mapping)}")
            if mapping.data is not None:
                self._compare(mapping, Stretch(NOWHERE, self.scene.begin, exact=True))
            if mapping.part is not None:
                mapping.part.taken = True
            self.buffers.take_back(mapping)
        return mapping.inner

    def _owner(self, lent: Lent) -> str:
        for ring in (self.rx, self.tx):
            for index, held in ring.held.items():
                if held is lent:
                    return f"the card has {ring.name(index)}, which points to it"
        return "the card has it"

    def _compare(self, lent: Lent, where: Stretch) -> None:
        """What the driver mapped with what the card was given: `map` has copied it. Told once."""
        if self.buffers.lent.get(lent.iova) is lent and (at := lent.changed()) is not None:
            text = f"{lent!r}: byte {at} of what was mapped was changed before its unmap"
            self.scene.find("dma.changed", text, where)
            lent.data = None

    def before_read(self, lent: Lent) -> None:
        """The driver reads a mapping."""
        self.sync()
        self._duties.served()
        if lent.owned:
            self.scene.find_here("dma.read_early", f"{lent!r} was read while {self._owner(lent)}")

    # ---- for the host ----

    def attached(self, driver: Nic) -> None:
        """It has found its card."""
        self.driver = driver
        if self._by_line:
            self.lines.attach(driver)

    def interrupt(self, driver: Nic, device: Device) -> None:
        """Let the driver answer the line, which is up."""
        self._left()
        if self._weak is not None:
            self._weak.barrier()
            self.seen()
        self.spend(device, self._processor.interrupt_ns)
        self._duties.begin()
        driver.interrupt(0)
        self._duties.end(driver)
        self.leave()

    def down(self, driver: Nic, rests: bool) -> None:
        """Take the driver down. `rests`: nothing is in flight, and nothing keeps an interrupt from the driver."""
        self.leave()
        if rests and self.registers.mask and not self._engine.peek(self._cause) & self.registers.mask:
            self.look_for_untaken()
        driver.down()
        self.leave()
        if on := self.registers.on():
            self.scene.find("down.on", f"down() returned with {', '.join(on)} on", whole(driver, "down", "stop"))
        held: list[Lent | Shared] = [*self.buffers.lent.values(), *self.buffers.shared.values()]
        for kept in held:
            text = f"{kept!r} is kept after down()"
            self.scene.find("dma.leak", text, Stretch(NOWHERE, kept.made, exact=True))
        for text in () if self._weak is None else self._weak.written_late():
            self.scene.find("dma.misuse", text, Stretch(NOWHERE, NOWHERE))

    def look_for_untaken(self) -> None:
        """At rest, with the line down."""
        if count := self.rx.untaken():
            text = f"{count} received frame{'s' * (count != 1)} lie on the ring at rest, and no interrupt will come"
            self.scene.find("ring.untaken", text, Stretch(NOWHERE, NOWHERE))
