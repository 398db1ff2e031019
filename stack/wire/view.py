"""Fields of a wire format, by offset, and the view that reads them.

A format is a class body: one line a field, which is its table and its reader at once. A view checks once, when it is
made, that the fixed part is there; after that no field access can fail. Views read only; values (`parse`, `emit`) live
beside them. The hot path of the stack does not use views: it unpacks the same header in one call of its `HEADER`.
"""

from __future__ import annotations

from struct import Struct
from typing import ClassVar

Buffer = bytes | bytearray | memoryview

_U16 = Struct("!H")
_U32 = Struct("!I")


class Truncated(ValueError):
    """The bytes end before the fixed part of the header does."""


class View:
    """A header at `offset` of `data`. Raises `Truncated` when fewer than `MIN` bytes are left there."""

    __slots__ = ("data", "offset")
    MIN: ClassVar[int]

    def __init__(self, data: Buffer, offset: int = 0) -> None:
        if len(data) - offset < self.MIN:
            raise Truncated(f"{type(self).__name__} needs {self.MIN} bytes, {max(0, len(data) - offset)} are left")
        self.data = data
        self.offset = offset


class U8:
    """One byte."""

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def __get__(self, view: View, owner: type[View]) -> int:
        return view.data[view.offset + self.offset]


class U16:
    """Two bytes, network order."""

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def __get__(self, view: View, owner: type[View]) -> int:
        value: int = _U16.unpack_from(view.data, view.offset + self.offset)[0]
        return value


class U32:
    """Four bytes, network order; IPv4 addresses are read as these."""

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def __get__(self, view: View, owner: type[View]) -> int:
        value: int = _U32.unpack_from(view.data, view.offset + self.offset)[0]
        return value


class U128:
    """Sixteen bytes, network order; IPv6 addresses are read as these."""

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def __get__(self, view: View, owner: type[View]) -> int:
        start = view.offset + self.offset
        return int.from_bytes(view.data[start : start + 16], "big")


class Octets:
    """`length` bytes as they are, such as a link address."""

    def __init__(self, offset: int, length: int) -> None:
        self.offset = offset
        self.length = length

    def __get__(self, view: View, owner: type[View]) -> bytes:
        start = view.offset + self.offset
        return bytes(view.data[start : start + self.length])
