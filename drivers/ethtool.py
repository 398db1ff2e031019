"""What can be asked of a running NIC and set on it, in the words of the command `ethtool`.

The values are plain dataclasses, the same for every driver; `Ethtool` is the Protocol a driver offers as `nic.ethtool`.
The pattern: get a value, `dataclasses.replace` what is to change, set it. A setter checks first and changes after:
what it refuses, with a ValueError of one sentence, has changed nothing. Settings are kept over resets, down and up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Protocol

__all__ = [
    "Check", "Coalesce", "DriverInfo", "Ethtool", "Features", "LinkState", "Pause", "RegisterValue", "RingSizes",
    "SPEED_UNKNOWN",
]  # fmt: skip

SPEED_UNKNOWN = -1  # as in Linux (include/uapi/linux/ethtool.h)


@dataclass(frozen=True, slots=True)
class DriverInfo:
    """`ethtool -i`."""

    driver: str
    name: str
    bus: str
    lladdr: str


@dataclass(frozen=True, slots=True)
class LinkState:
    """`ethtool` without an option. `speed` in Mb/s, 0 without a link, SPEED_UNKNOWN where the card does not tell;
    `pause` is what is in force.
    """

    up: bool
    speed: int
    full_duplex: bool
    pause_rx: bool
    pause_tx: bool


@dataclass(frozen=True, slots=True)
class RingSizes:
    """`ethtool -g` and `-G`: descriptors."""

    rx: int
    tx: int


@dataclass(frozen=True, slots=True)
class Coalesce:
    """`ethtool -c` and `-C`: how long interrupts wait for company. Microseconds; 0 is 'do not wait'.

    `rx_usecs` from the last frame, at most `rx_usecs_max` from the first (0: no such limit); the same for transmit.
    `interrupts_per_second` bounds all causes together, 0 not at all; with `adaptive` the driver chooses that bound by
    what it sees, and a number given here is refused. A frame of `rx_small_bytes` or fewer does not wait.
    """

    rx_usecs: int = 0
    rx_usecs_max: int = 0
    tx_usecs: int = 0
    tx_usecs_max: int = 0
    interrupts_per_second: int = 0
    adaptive: bool = False
    rx_small_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Features:
    """`ethtool -k` and `-K`: what the card does for its host. What a card cannot do stays False."""

    rx_checksum: bool = False
    tx_checksum: bool = False
    tso: bool = False
    vlan_strip: bool = False
    vlan_insert: bool = False
    vlan_filter: bool = False

    @property
    def on(self) -> tuple[str, ...]:
        """The names of those switched on."""
        return tuple(each.name for each in fields(self) if getattr(self, each.name))


@dataclass(frozen=True, slots=True)
class Pause:
    """`ethtool -a` and `-A`: flow control. With `autoneg`, `rx` and `tx` are offered and the partner has a say."""

    autoneg: bool = True
    rx: bool = True
    tx: bool = True


@dataclass(frozen=True, slots=True)
class RegisterValue:
    """`ethtool -d`: one register, looked at without side effect, its fields by name."""

    name: str  # with its index when there are several: RAL[3]
    offset: int
    value: int
    fields: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """One part of `ethtool -t`. `detail` says what was seen when it failed, '' when it passed."""

    name: str
    passed: bool
    detail: str = ""


class Ethtool(Protocol):
    """One NIC's side of it. Setters raise ValueError and change nothing when they refuse."""

    def info(self) -> DriverInfo: ...

    def link(self) -> LinkState: ...

    def rings(self) -> RingSizes: ...

    def ring_limits(self) -> RingSizes:
        """The largest there can be."""
        ...

    def set_rings(self, sizes: RingSizes) -> None:
        """On a running card: frames on the old rings are sent or handed on first, what is lost is counted."""
        ...

    def coalesce(self) -> Coalesce:
        """What is in force: times are those of the card's units, so not always the very number that was set."""
        ...

    def set_coalesce(self, wanted: Coalesce) -> None: ...

    def available(self) -> Features:
        """What the card can do at all."""
        ...

    def features(self) -> Features: ...

    def set_features(self, wanted: Features) -> None: ...

    def pause(self) -> Pause: ...

    def set_pause(self, wanted: Pause) -> None: ...

    def statistics(self) -> dict[str, int]:
        """Since the driver attached, by the names of `ethtool -S`."""
        ...

    def registers(self, names: Sequence[str] = ()) -> list[RegisterValue]:
        """All registers that can be looked at without harm, or those named; KeyError for a name there is not."""
        ...

    def eeprom(self) -> tuple[int, ...]:
        """`ethtool -e`: all words."""
        ...

    def self_test(self, offline: bool = True) -> list[Check]:
        """`ethtool -t`. Offline takes the card away from its users for a while and gives it back as it was."""
        ...
