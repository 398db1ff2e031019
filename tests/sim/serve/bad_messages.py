"""Messages that a server of vfio-user has to refuse: good ones with one thing wrong, each with the error it is due.

What is due stands here by the specification (QEMU, docs/interop/vfio-user.rst) and by docs/serve.md, and shares no code
with the server but the commands' numbers. The card is `em`; its client has greeted, has lent 16 pages at `LENT` and has
armed INTx, by descriptors of `Given`.
"""

from __future__ import annotations

import errno
import os
import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ringbed.sim.serve.header import Command

__all__ = ["BAR0", "LENT", "MOST", "PAGE", "PAGES", "Bad", "Given", "bad_message"]

PAGE, PAGES, LENT, MOST = 4096, 16, 0x4000_0000, 1 << 16  # MOST: bytes of one transfer, as agreed on
BAR0, BAR2, ROOM = 128 << 10, 8, 256  # bytes: of the registers, of the I/O window, of configuration space
LONGEST = 16 + 16 + (1 << 20)  # bytes of any message: as much data as may be agreed on at most
EINVAL, ENOTSUP, EEXIST = errno.EINVAL, errno.ENOTSUP, errno.EEXIST
U32, U64, NO_REPLY = (1 << 32) - 1, (1 << 64) - 1, 0x10
ODD = (0, 1, 2, 3, 5, 7, 9, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, U32)


@dataclass(frozen=True, slots=True)
class Bad:
    """`errno` is what is due, 0 for no answer at all; `ends`: the session is over then."""

    what: str
    data: bytes
    files: Sequence[int]
    errno: int
    ends: bool = False


class Given:
    """Descriptors to send along: a file of 16 pages, one of a byte, an eventfd, a pipe's end."""

    def __init__(self) -> None:
        self.file, self.short, self.event = (os.memfd_create(name) for name in ("file", "short", "event"))
        os.close(self.event)
        self.event = os.eventfd(0, os.EFD_NONBLOCK)
        os.ftruncate(self.file, PAGES * PAGE)
        os.ftruncate(self.short, 1)
        self.pipe, self.other = os.pipe()

    def close(self) -> None:
        for file in (self.file, self.short, self.event, self.pipe, self.other):
            os.close(file)


Part = tuple[int, bytes, Sequence[int], int]  # command, payload, descriptors, what is due


def good(rng: random.Random) -> tuple[int, bytes]:
    """A message without descriptors that would be served."""
    return rng.choice((
        (Command.DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, 0, PAGE)),
        (Command.DMA_UNMAP, struct.pack("<IIQQ", 24, 0, LENT, PAGES * PAGE)),
        (Command.DEVICE_GET_INFO, struct.pack("<4I", 16, 0, 0, 0)),
        (Command.DEVICE_GET_REGION_INFO, struct.pack("<4IQQ", 32, 0, rng.randrange(9), 0, 0, 0)),
        (Command.DEVICE_GET_IRQ_INFO, struct.pack("<4I", 16, 0, rng.randrange(5), 0)),
        (Command.REGION_READ, struct.pack("<QII", 4 * rng.randrange(64), rng.choice((0, 7)), 4)),
        (Command.REGION_WRITE, struct.pack("<QIII", 0x2820, 0, 4, 99)),
        (Command.REGION_WRITE_MULTI, struct.pack("<QQIIQ", 1, 0x2820, 0, 4, 99)),
        (Command.DEVICE_RESET, b""),
    ))  # fmt: skip


def cut(rng: random.Random, given: Given) -> Part:
    """Of no command's length."""
    command, payload = good(rng)
    while not payload:
        command, payload = good(rng)
    return command, payload[: rng.randrange(len(payload))], (), EINVAL


def grown(rng: random.Random, given: Given) -> Part:
    """Of a command that has one length only."""
    while (asked := good(rng))[0] in (3, 4, 5, 7):
        pass
    return asked[0], asked[1] + rng.randbytes(rng.randrange(1, 40)), (), EINVAL


def unknown(rng: random.Random, given: Given) -> Part:
    command = rng.choice((0, 14, 19, 20, 255, 256 + 9, 0x8000, 0xFFFF, rng.randrange(19, 1 << 16)))
    return command, good(rng)[1], (), EINVAL


def unserved(rng: random.Random, given: Given) -> Part:
    return rng.choice((6, 11, 12, 16, 17, 18)), rng.randbytes(rng.randrange(40)), (), ENOTSUP


def again(rng: random.Random, given: Given) -> Part:
    """The greeting comes once."""
    text = rng.choice((b"", b'{"capabilities":{}}\0', b"{}", b"[]\0", rng.randbytes(9)))
    return Command.VERSION, struct.pack("<HH", rng.choice((0, 0, 1, 0xFFFF)), rng.choice((0, 1))) + text, (), EINVAL


def burdened(rng: random.Random, given: Given) -> Part:
    """Descriptors where none belong, or too many where one does."""
    command, payload = good(rng)
    least = 2 if command == Command.DMA_MAP else 1
    every = (given.file, given.short, given.event, given.pipe)
    return command, payload, [rng.choice(every) for _ in range(rng.randrange(least, 12))], EINVAL


def map_(rng: random.Random, given: Given) -> Part:
    flags, offset, address, size, files, due = 3, 0, 0, PAGE, [given.file], EINVAL
    match rng.randrange(8):
        case 0:
            flags = rng.choice((0, 4, 7, 8, 0x8000_0000, U32))
        case 1:
            address += rng.randrange(1, PAGE)
        case 2:
            size = rng.choice((0, 1, PAGE - 1, PAGE + 1, U64))
        case 3:
            offset = rng.choice((1, PAGE - 1, 1 << 63, U64 - PAGE + 1, PAGES * PAGE))
        case 4:
            address, size = U64 - PAGE + 1, 2 * PAGE
        case 5:
            files = [rng.choice((given.short, given.event, given.pipe))]
        case 6:
            size = rng.randrange(PAGES + 1, 1 << 17) * PAGE
        case _:  # over what is lent, with a file or without
            address, due = LENT + PAGE * rng.randrange(-1, PAGES), EEXIST
            size = 2 * PAGE
            files = files if rng.randrange(2) else []
    return Command.DMA_MAP, struct.pack("<IIQQQ", 32, flags, offset, address, size), files, due


def unmap(rng: random.Random, given: Given) -> Part:
    flags, address, size = rng.choice((
        (1, LENT, PAGES * PAGE), (4, LENT, PAGES * PAGE), (U32, 0, 0), (0, LENT, 0), (2, LENT, PAGE), (0, U64, 2),
        (0, LENT + PAGE, PAGE), (0, LENT, PAGES * PAGE - 1), (0, LENT - PAGE, 2 * PAGE), (0, LENT + 1, 1 << 40),
        (0, LENT + PAGE * rng.randrange(1, PAGES), PAGES * PAGE),
    ))  # fmt: skip
    return Command.DMA_UNMAP, struct.pack("<IIQQ", 24, flags, address, size), (), EINVAL


def question(rng: random.Random, given: Given) -> Part:
    """Of a region or a kind of interrupt that there is not, or with no room for the answer."""
    match rng.randrange(4):
        case 0:
            index = rng.choice((9, 10, 255, U32))
            return Command.DEVICE_GET_REGION_INFO, struct.pack("<4IQQ", 32, 0, index, 0, 0, 0), (), EINVAL
        case 1:
            return Command.DEVICE_GET_IRQ_INFO, struct.pack("<4I", 16, 0, rng.choice((5, 6, U32)), 0), (), EINVAL
        case 2:
            return Command.DEVICE_GET_REGION_INFO, struct.pack("<4IQQ", rng.randrange(32), 0, 0, 0, 0, 0), (), EINVAL
        case _:
            command = rng.choice((Command.DEVICE_GET_INFO, Command.DEVICE_GET_IRQ_INFO))
            return command, struct.pack("<4I", rng.randrange(16), 0, 0, 0), (), EINVAL


def irqs(rng: random.Random, given: Given) -> Part:
    flags, index, start, count, rest, files, due = 0x24, 0, 0, 1, b"", [given.event], EINVAL
    match rng.randrange(9):
        case 0:
            flags = rng.choice((0, 4, 0x20, 0x23, 0x26, 0x27, 0x3C, 0x64, 0x8024, U32))
        case 1:
            index = rng.choice((1, 2, 3, 4, 5, 99, U32))  # `em` has INTx alone
        case 2:
            start, count = rng.choice(((1, 1), (0, 2), (U32, 1), (0, U32), (0xFFFF, 1)))
            files = files * min(count, 2)
        case 3:
            count, files, flags = 0, [], rng.choice((0x22, 0x24, 0x09, 0x11))
        case 4:
            files = files * rng.randrange(2, 12)
        case 5:
            flags = rng.choice((0x21, 0x22, 0x09, 0x11))  # which bring no descriptors
            rest = b"\1" if flags == 0x22 else b""
        case 6:
            flags, files, rest = 0x22, [], rng.randbytes(rng.choice((0, 2, 3, 40)))
        case 7:
            flags, due = 0x0C, ENOTSUP  # an eventfd that masks
        case _:
            start, count, files, flags = 1, 0, [], 0x21
    return Command.DEVICE_SET_IRQS, struct.pack("<5I", 20, flags, index, start, count) + rest, files, due


def place(rng: random.Random, longest: int = MOST, write: bool = False) -> tuple[int, int, int]:
    """Offset, region and count, of which one is none that there is; a part of a register can be read, not written."""
    region, size = rng.choice(((0, BAR0), (2, BAR2), (7, ROOM)))
    match rng.randrange(6):
        case 0:
            return 4 * rng.randrange(4), rng.choice((1, 3, 4, 5, 6, 8, 9, 10, U32)), 4
        case 1:
            return size - 4 + rng.choice((4, 8, 4 * rng.randrange(1, 1 << 20))), region, 4
        case 2:
            return rng.choice((U64, U64 - 3, 1 << 63, 1 << 32)), region, 4
        case 3:
            return 0, region, 0
        case 4:
            return (0, region, size + 4) if size + 4 <= longest else (size - 4, region, 8)
        case _:
            region = rng.choice((0, 2)) if write else 2
            return rng.choice(((1, region, 3), (2, region, 2), (3, region, 4), (0, region, 5), (3, region, 1)))


def read(rng: random.Random, given: Given) -> Part:
    if not rng.randrange(4):
        count = rng.choice((MOST + 4, (1 << 20) + 4, 1 << 31, U32))
        return Command.REGION_READ, struct.pack("<QII", 0, 0, count), (), EINVAL
    return Command.REGION_READ, struct.pack("<QII", *place(rng)), (), EINVAL


def write(rng: random.Random, given: Given) -> Part:
    offset, region, count = place(rng, 1 << 10, write=True) if rng.randrange(2) else (0x2820, 0, 4)
    data = rng.randbytes(count)
    if (offset, region, count) == (0x2820, 0, 4):
        data = rng.randbytes(rng.choice((0, 1, 3, 5, 8, 64)))
    elif region == 0 and offset + count <= BAR0 and not (offset | count) % 4 and count:
        data += b"!"
    return Command.REGION_WRITE, struct.pack("<QII", offset, region, count) + data, (), EINVAL


def writes(rng: random.Random, given: Given) -> Part:
    """One bad among good ones, of which none may be done; or another count than there are."""
    fine = struct.pack("<QIIQ", 0x2820, 0, 4, 77)
    offset, region, count = place(rng, 8, write=True)
    if region == 0 and offset + count <= BAR0 and not (offset | count) % 4 and count:
        count = 9
    each = [fine] * rng.randrange(4) + [struct.pack("<QIIQ", offset, region, count, 5)] + [fine] * rng.randrange(3)
    many = len(each)
    if not rng.randrange(3):
        each, many = [fine] * len(each), rng.choice((many + 1, many - 1, 1 << 32, 1 << 61, U64))
    return Command.REGION_WRITE_MULTI, struct.pack("<Q", many) + b"".join(each), (), EINVAL


def lasting(rng: random.Random, given: Given) -> Part:
    return Command.DEVICE_RESET, rng.randbytes(rng.randrange(1, 40)), (), EINVAL


KINDS: tuple[Callable[[random.Random, Given], Part], ...] = (
    cut, grown, unknown, unserved, again, burdened, map_, unmap, question, irqs, read, write, writes, lasting,
)  # fmt: skip


def bad_message(rng: random.Random, given: Given, lie: bool = False) -> Bad:
    """The next one; `lie`: of those that say a size that no message has, which end the session."""
    number = rng.randrange(1 << 16)
    if lie:
        size = rng.choice((0, 1, 15, LONGEST + 1, 1 << 31, U32))
        return Bad("size", struct.pack("<HHIII", number, rng.randrange(20), size, 0, 0), (), EINVAL, ends=True)
    kind = rng.choice(KINDS)
    command, payload, files, due = kind(rng, given)
    flags = 0
    if not rng.randrange(8):
        flags, due = NO_REPLY, 0
    elif not rng.randrange(12):  # a reply, and nothing was asked; of a type that there is not
        flags, due = rng.choice((1, 0x21, 2, 3, 7, 15)), 0
    head = struct.pack("<HHIII", number, command, 16 + len(payload), flags, rng.choice((0, 0, 5, U32)))
    return Bad(kind.__name__, head + payload, files, due)
