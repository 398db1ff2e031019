"""The groups of stations that one device is in, for everybody above it: what its filter must let through.

A protocol joins a group as often as it has reason to, and leaves it as often; the device below hears when the first
comes and when the last goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence


class Groups:
    """`tell` is given the whole list each time that it changes."""

    __slots__ = ("_reasons", "_tell")

    def __init__(self, tell: Callable[[Sequence[bytes]], None]) -> None:
        self._reasons: dict[bytes, int] = {}
        self._tell = tell

    def join(self, group: bytes) -> None:
        """Raises ValueError for an address that is no group's."""
        if len(group) != 6 or not group[0] & 1:
            raise ValueError(f"{group.hex(':')} is no address of a group")
        reasons = self._reasons[group] = self._reasons.get(group, 0) + 1
        if reasons == 1:
            self._tell(tuple(self._reasons))

    def leave(self, group: bytes) -> None:
        """Raises KeyError when nobody is in it."""
        self._reasons[group] -= 1
        if not self._reasons[group]:
            del self._reasons[group]
            self._tell(tuple(self._reasons))
