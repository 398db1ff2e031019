"""A toy card under a host that does everything that can be done to it, drawn from a seed, on record."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ringbed.sim.memory.regions import Region, RegionTable, Response
from ringbed.sim.record.engine import Recording, RecordingEngine, ReplayEngine
from ringbed.sim.record.file import RecordingReader
from ringbed.sim.record.records import Record
from ringbed.sim.record.replay import Outcome, Replay
from ringbed.sim.seam.bus_faults import Access, BusFaults, BusFixed, BusKind, BusRule
from ringbed.sim.seam.engine import NEVER, Event
from tests.sim.toy import toy_spec

__all__ = ["Scene", "kept", "recorded", "replayed", "short"]

BASE, SIZE = 0x1_0000_0000, 1 << 12
LOW, HIGH, CONTROL, COUNT, SCRATCH, TIMER = range(0, 24, 4)
FAULTS = BusFaults(
    (BusRule(BusKind.JITTER, 77, 1 << 31, clocks=90), BusRule(BusKind.SLVERR, 5, 1 << 28, (Access.READ,))),
    (BusFixed(BusKind.LATENCY, Access.WRITE, 3, 200), BusFixed(BusKind.DECERR, Access.READ, 4, beat=1)),
)


class Scene:
    """Who drives the card, and what came of it: `answers` of registers, `frames` with their clocks."""

    def __init__(self, engine: RecordingEngine, memory: RegionTable, region: Region, seed: int) -> None:
        self.engine, self.memory, self.region = engine, memory, region
        self.rng = random.Random(seed)
        self.answers, self.frames = list[int | None](), list[tuple[int, bytes]]()

    def begin(self) -> None:
        for offset, value in ((LOW, BASE & 0xFFFF_FFFF), (HIGH, BASE >> 32), (CONTROL, 3)):
            self.engine.write(offset, value)

    def turn(self) -> None:
        self.rng.choice([
            self.run, self.run, self.frame, self.frame, self.read, self.scribble, self.scribble, self.write, self.timer,
            self.pin, self.line, self.peek, self.shut, self.unmap, self.hurt, self.note, self.wait,
            self.reset, self.ask,
        ])()  # fmt: skip
        self.frames += self.engine.wire_out()

    def run(self) -> None:
        self.engine.run(self.engine.now + self.rng.randrange(200), self.rng.choice([Event.NONE, Event.IRQ, Event.IDLE]))

    def frame(self) -> None:
        at = max(0, self.engine.now + self.rng.randrange(-50, 300))
        self.engine.wire_in(self.rng.randbytes(self.rng.randrange(1, 256)), at, self.rng.random() < 0.1)

    def read(self) -> None:
        try:
            self.answers.append(self.engine.read(self.rng.choice([COUNT, SCRATCH, CONTROL])))
        except TimeoutError:
            self.answers.append(None)

    def write(self) -> None:
        self.engine.write(SCRATCH, self.rng.getrandbits(32))

    def timer(self) -> None:
        self.engine.write(TIMER, self.engine.now + self.rng.randrange(20, 500))

    def scribble(self) -> None:
        """What the card has written is not what it reads back, not even within a burst."""
        at = self.rng.randrange(SIZE - 16)
        self.region.data[at : at + 16] = self.rng.randbytes(16)
        self.region.data[:64] = self.rng.randbytes(64)

    def pin(self) -> None:
        self.engine.set_pin("invert", self.rng.choice([0, 1, 255]))

    def line(self) -> None:
        self.engine.hold_irq(self.rng.choice([0, NEVER, self.engine.now + 100]))

    def peek(self) -> None:
        self.engine.peek(COUNT)

    def shut(self) -> None:
        self.engine.shut(BASE, SIZE)
        self.engine.run(self.engine.now + self.rng.randrange(150), Event.NONE)
        self.engine.shut(0, 0)

    def unmap(self) -> None:
        self.memory.remove_region(self.region)
        self.run()
        self.memory.add_region(self.region)

    def ask(self) -> None:
        """The same bytes, but somebody has to be asked for them, who does not answer at once, or not at all."""
        self.memory.remove_region(self.region)
        self.memory.add_far(BASE, SIZE)
        self.frame()
        for _ in range(self.rng.randrange(2, 12)):
            self.engine.run(self.engine.now + self.rng.randrange(200), self.rng.choice([Event.ASKED, Event.NONE]))
            self.rng.choice([self.answer, self.answer, self.answer, self.read, self.frame, self.reset])()
        self.engine.nobody(self.rng.random() < 0.5)
        self.engine.run(self.engine.now + self.rng.randrange(20), Event.NONE)
        self.engine.nobody(False)
        self.memory.remove_far(BASE, SIZE)
        self.memory.add_region(self.region)

    def answer(self) -> None:
        for write in (False, True):
            if not (number := self.engine.asked(write)):
                continue
            response, found = self.rng.choice([Response.OKAY] * 5 + [Response.SLVERR]), b""
            for address, count, data in self.engine.spans(write):
                at = address - BASE
                if data:
                    self.region.data[at : at + count] = data
                found += bytes(self.region.data[at : at + count])
            assert self.engine.answer_asked(write, number, response, found)

    def hurt(self) -> None:
        self.engine.set_bus_faults(self.rng.choice([FAULTS, BusFaults()]))

    def reset(self) -> None:
        """In the midst of whatever is on the bus; the driver begins anew."""
        self.engine.reset()
        self.begin()

    def note(self) -> None:
        self.engine.note(f"turn {self.rng.randrange(100)}")

    def wait(self) -> None:
        """As a server does: what is at rest is passed over."""
        if self.engine.due() > self.engine.now:
            self.engine.skip(min(self.engine.due(), self.engine.now + self.rng.randrange(100_000)))


def recorded(
    path: Path, drawn: int = 1, turns: int = 300, act: Callable[[Scene], None] | None = None, **settings: Any
) -> Scene:  # fmt: skip
    """A file, and how it came to be; `act` in the place of random turns."""
    region = Region(BASE, memoryview(bytearray(SIZE)))
    memory = RegionTable([Region(0x1000, memoryview(bytearray(SIZE))), region])
    with Recording(path) as recording:
        scene = Scene(recording.engine(toy_spec(), memory, **settings), memory, region, drawn)
        scene.begin()
        if act is not None:
            act(scene)
        for _ in range(0 if act is not None else turns):
            scene.turn()
        scene.frames += scene.engine.wire_out()
        scene.engine.close()
    return scene


def kept(path: Path) -> list[Record]:
    with RecordingReader(path) as reader:
        return list(reader.records())


def short(path: Path) -> list[Record]:
    """Frames, a read of a register, the line and a note, with a burst that is not done at the end."""

    def act(scene: Scene) -> None:
        for size in (40, 200):
            scene.engine.wire_in(bytes(range(size)), scene.engine.now + 5)
        scene.engine.run(150)
        scene.engine.note("halfway")
        scene.engine.read(COUNT)
        scene.engine.run(1000)
        scene.engine.read(COUNT)
        scene.engine.wire_in(bytes(range(250)), scene.engine.now)
        scene.engine.run(1560)

    recorded(path, act=act)
    return kept(path)


class Heard(ReplayEngine):
    """With all that came out of it, as it came."""

    frames: list[tuple[int, bytes]]
    pieces: list[bytes]

    def wire_out(self) -> list[tuple[int, bytes]]:
        left = super().wire_out()
        self.__dict__.setdefault("frames", []).extend(left)
        return left

    def taken(self) -> bytes:
        piece = super().taken()
        self.__dict__.setdefault("pieces", []).append(piece)
        return piece


def replayed(
    records: Iterable[Record], settings: Any, until: int = NEVER, instead: Sequence[dict[str, int]] = ()
) -> tuple[Outcome, Heard]:  # fmt: skip
    """On a toy card with `settings`, those of a header."""
    engine = Heard(toy_spec(), None, **{name: getattr(settings, name) for name in settings.__slots__})
    outcome = Replay(engine, ("invert", "seen"), instead).run(records, until)
    engine.close()
    return outcome, engine
