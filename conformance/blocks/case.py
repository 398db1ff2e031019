"""What a ready test asks of a block, what must come of it, and a finding when it does not.

The thing under test is a callable: commands and frames go in, in order, and frames and results come out, in order. It
may be RTL behind an engine, or a model; nothing here knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["Answers", "Ask", "Behind", "BlockUnderTest", "Case", "Cut", "Finding", "PausingBlock"]


@dataclass(frozen=True, slots=True)
class Ask:
    """A frame without FCS, empty for a block that takes none, and the fields of its command."""

    frame: bytes
    command: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cut:
    """When a block is reset: behind as many beats that it took or, with `out`, gave, and `late` clocks more."""

    beats: int
    out: bool = False
    late: int = 0


@dataclass(frozen=True, slots=True)
class Behind:
    """A reset in the middle of `ask`, of which the block takes, or gives, `of` beats in all."""

    ask: Ask
    cut: Cut
    of: int

    @property
    def words(self) -> str:
        """For a sentence about what came behind it."""
        late = f" and {self.cut.late} clocks" if self.cut.late else ""
        return f"behind a reset after {self.cut.beats} of {self.of} beats {'out' if self.cut.out else 'in'}{late}"


@dataclass(frozen=True, slots=True)
class Answers:
    """All that came out of a batch; `frames` is None for a block that gives none.

    `wrongs`: what the block did in the batch that no block may, whatever it was asked; a sentence each. `quiet`: clocks
    without anything that ended the wait for what is missing; 0 for a model, which has no clock.
    """

    frames: Sequence[bytes] | None = None
    results: Sequence[Mapping[str, int]] = ()
    wrongs: Sequence[str] = ()
    quiet: int = 0


class BlockUnderTest(Protocol):
    """Takes a batch and gives back what came of it; a block that hangs gives back less."""

    def __call__(self, asks: Sequence[Ask]) -> Answers: ...


class PausingBlock(BlockUnderTest, Protocol):
    """One whose streams, in and out, can be made to pause, in the middle of frames too, and that can begin anew."""

    def begin(self, into: bool, out: bool, noise: int) -> None:
        """Begin anew, with pauses in the stream in and in that out, or without; equal `noise` is equal pauses."""
        ...

    def restart(self) -> None:
        """Forget all that is still to come: the next batch's answers are its own."""
        ...

    @property
    def resets(self) -> bool:
        """Whether it has a reset."""
        ...

    def interrupt(self, asks: Sequence[Ask], cut: Cut) -> bool:
        """Begin with these, and begin anew at the cut, whatever came. False where it did not come to that."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """One `ask`, and what may come of it.

    `frames`: for each frame that must come out, the bytes that are right, mostly one. `results`: what is right for the
    result, as aspects in words (`{"l4": "good"}`), of which one must hold; an aspect that is left out may be anything.
    `places`: names for bytes of frames that come out. `hints`: what the words of a wrong aspect tell. `behind`: the
    reset, just before, in the middle of something else.
    """

    about: str
    ask: Ask
    frames: tuple[tuple[bytes, ...], ...] = ()
    results: tuple[Mapping[str, str], ...] = ()
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)
    behind: Behind | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Case `index` of `kind` made with `seed` went wrong: `what` is `got` and must be `expected`.

    Of a batch that begins with that case, and not of one case, `what` is all there is to say.
    `about` is what that frame is; `sent` went in with `command`, `came` is the frame that came out, if one did.
    `pauses` says in which streams they were, if any; `cut`, in the middle of what the block had been reset just before,
    if it was; `alone`, that the case was right when it was asked again, behind a reset and without pauses.
    """

    kind: str
    seed: int
    index: int
    about: str
    what: str
    expected: str
    got: str
    sent: bytes
    command: Mapping[str, int]
    came: bytes | None = None
    hint: str = ""
    pauses: str = ""
    cut: str = ""
    alone: bool = False

    @property
    def of_batch(self) -> bool:
        return not self.got

    @property
    def unsettled(self) -> bool:
        """Whether more or less came out than must, or something no block may do: what comes next may be of this."""
        return self.of_batch or self.got == "lost" or self.what == "extra"

    @property
    def words(self) -> str:
        """What happened, for a person."""
        if self.of_batch:
            return self.what
        if self.got == "lost":
            return f"{self.what} never came out" + (f" {self.expected}" if self.expected != "delivered" else "")
        if self.what == "extra":
            return f"{self.got} came out that nothing asked for"
        return f"{self.what} is {self.got}, must be {self.expected}" + (f" ({self.hint})" if self.hint else "")

    def __str__(self) -> str:
        size = f", {len(self.sent)} bytes" if self.sent else ""
        pauses = f", {self.pauses}" if self.pauses else ""
        cut = f", {self.cut}" if self.cut else ""
        alone = "; asked alone it is right" if self.alone else ""
        where = f"{self.kind}, seed {self.seed}, number {self.index} ({self.about}{size}{pauses}{cut})"
        return f"{where}: {self.words}{alone}"
