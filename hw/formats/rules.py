"""What a card's manual asks of a driver, as data: the seam between a card and `sim/checker`, which knows no card.

A card's own table is one `Rules`; it names registers and fields out of the tables that its RTL is built from, and for
every rule the section of the manual that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ringbed.hw.formats.field import Layout, RegisterMap
from ringbed.hw.formats.verdict import Verdict

__all__ = ["Frozen", "Interrupt", "RingRegisters", "Rule", "Rules", "RxFormat", "SumFields", "Switch", "TxFormat"]


@dataclass(frozen=True, slots=True)
class Rule:
    """`sentence` says what a driver must or must not do; `section` is where the manual says it."""

    name: str
    sentence: str
    section: str


@dataclass(frozen=True, slots=True)
class Switch:
    """A field of a register that turns something on."""

    register: str
    field: str


@dataclass(frozen=True, slots=True)
class RingRegisters:
    """The registers of one ring, by name. `enable` turns its direction on."""

    name: str  # as sentences call it
    base: str
    base_high: str
    length: str
    head: str
    tail: str
    enable: Switch


@dataclass(frozen=True, slots=True)
class Frozen:
    """A register, or only some `fields` of it, that is not to change while a direction is on."""

    register: str
    enable: Switch
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SumFields:
    """One sum of a context descriptor, by field names; `ask` is the data descriptor's bit that wants it."""

    ask: str
    start: str
    place: str
    end: str


@dataclass(frozen=True, slots=True)
class TxFormat:
    """Transmit descriptors. A descriptor is `legacy` without `extended`; with it a context where `kind` is 0.

    `longest` bytes of a frame. Names of fields are the same in `legacy` and `data`, but for the lengths.
    """

    legacy: Layout
    data: Layout
    context: Layout
    extended: str
    kind: str
    legacy_length: str
    data_length: str
    cut: str  # the bit, of data and context, of a message that the card cuts
    ip: SumFields
    l4: SumFields
    payload: str
    header: str
    piece: str  # bytes of payload in a frame of a message
    longest: int
    tagging: Switch  # without which the descriptor's `tag` is ignored
    done: str = "DD"
    end: str = "EOP"
    fcs: str = "IFCS"
    tag: str = "VLE"


@dataclass(frozen=True, slots=True)
class RxFormat:
    """Receive descriptors: a driver clears all but the address, the card writes back. `status_byte` is where the
    status is, with the errors behind it. `buffer_size` takes the word of the `control` register; `longest` is the most
    that it gives.
    """

    layout: Layout
    control: str
    buffer_size: Callable[[int], int]
    status_byte: int
    verdict: Callable[[int, int], Verdict]
    longest: int
    done: str = "DD"
    end: str = "EOP"


@dataclass(frozen=True, slots=True)
class Interrupt:
    """`cause` is read to acknowledge; `set_mask` and `clear_mask` are written with ones; `work` are causes of rings."""

    cause: str
    set_mask: str
    clear_mask: str
    work: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """One card. `loose` registers take any bit; what `absent` lists is the part's and not the card's: it may be
    written. `reset` ends all that the card does, and `kept` registers are what they were.
    """

    rules: Mapping[str, Rule]
    registers: RegisterMap
    absent: RegisterMap
    loose: frozenset[str]
    reset: Switch
    kept: frozenset[str]
    frozen: tuple[Frozen, ...]
    rx_ring: RingRegisters
    tx_ring: RingRegisters
    rx: RxFormat
    tx: TxFormat
    interrupt: Interrupt
