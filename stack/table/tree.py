"""A persistent table of prefixes: which value has the longest prefix that a string of bits begins with?

It is what routes, L2 and L3 demultiplexing are looked up in, and it knows nothing of any of them:

    tree = PrefixTree[str]()
    tree = tree.set(0x0A, 8, "ten")                     # the 8 bits 00001010
    tree = tree.set(0x0A01, 16, "ten one")
    tree.lookup(0x0A010203, 32)                         # "ten one"
    tree.lookup(0x0A020203, 32)                         # "ten"
    tree.lookup(0x0B000000, 32)                         # None

A prefix is a number and how many bits of it count, from 0 on without a limit; a key likewise, and it is only ever
compared with prefixes that are not longer. Values are anything but None. A prefix has one value; who wants several
makes it a tuple.

**Persistent**: nothing that can be reached from a tree ever changes. `set` and `without` give a new tree that shares
all but the way to what changed, so whoever holds the old one goes on reading it. A writer publishes by one assignment,
and a reader, in whatever thread, sees before or after, and never waits. For many changes at once there is `draft`
which nobody sees until `done`; it copies each part once, however often it is changed.

**Cost** of a lookup is that of one step for every 8 bits in which many prefixes differ, and then of at most `LENGTHS`
questions, whatever lengths the table has and however many prefixes. A change copies one part a step, of at most `MOST`
entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from ringbed.stack.table.change import Change
from ringbed.stack.table.parts import INDEX, STRIDE, Below, Bunch, Node, get, items, through

V = TypeVar("V")
_NOTHING: Bunch[Any] = Bunch(())  # so that a lookup need not ask whether there is a root


class PrefixTree(Generic[V]):
    """See the module's text. Empty when made; `set`, `without` and drafts make others."""

    __slots__ = ("default", "root", "size")

    def __init__(self, root: Below[V] | None = None, default: V | None = None, size: int = 0) -> None:
        self.root: Below[V] = _NOTHING if root is None else root
        self.default = default  # of the prefix of no bits
        self.size = size

    def __len__(self) -> int:
        """How many prefixes."""
        return self.size

    def lookup(self, key: int, bits: int) -> V | None:
        """The value of the longest prefix that the `bits` bits `key` begin with; None when there is none."""
        best, here, shift = self.default, self.root, bits - STRIDE
        while True:
            if here.levels is not None:
                for length, values in here.levels:
                    if length <= bits and (value := values.get(key >> bits - length)) is not None:
                        return value
                return best
            if here.entries is None:
                shift = bits - here.bits
                if shift < 0 or key >> shift != here.prefix:
                    return best
                if here.node is None:
                    return here.value
                here, shift = here.node, shift - STRIDE
            if shift < 0:  # less than 8 bits are left: one by one
                return next((value for _, value in self.matches(key, bits)), None)
            entry = here.entries.get(key >> shift & INDEX)
            if entry is None:
                return best
            value, below = entry
            if value is not None:
                best = value
            if below is None:
                return best
            here, shift = below, shift - STRIDE

    def matches(self, key: int, bits: int) -> Iterator[tuple[int, V]]:
        """All prefixes that the key begins with, longest first: (bits of the prefix, value)."""
        found: list[tuple[int, V]] = [] if self.default is None else [(0, self.default)]
        here: Below[V] | None = self.root
        while here is not None:
            if isinstance(here, Node):
                here = through(here, key, bits, found)
            elif isinstance(here, Bunch):
                levels = [level for level in here.levels[::-1] if level[0] <= bits]
                found += [(n, values[key >> bits - n]) for n, values in levels if key >> bits - n in values]
                break
            elif bits < here.bits or key >> bits - here.bits != here.prefix:
                break
            else:
                found += [] if here.value is None else [(here.bits, here.value)]
                here = here.node
        return reversed(found)

    def get(self, prefix: int, bits: int) -> V | None:
        """The value of this very prefix, or None."""
        return get(self.root, prefix, bits) if bits else self.default

    def __iter__(self) -> Iterator[tuple[int, int, V]]:
        """(prefix, bits, value) of all, in no particular order."""
        if self.default is not None:
            yield 0, 0, self.default
        yield from items(self.root)

    def set(self, prefix: int, bits: int, value: V) -> PrefixTree[V]:
        """A tree in which the prefix has this value. Raises ValueError for bits that do not hold it."""
        draft = self.draft()
        draft.set(prefix, bits, value)
        return draft.done()

    def without(self, prefix: int, bits: int) -> PrefixTree[V]:
        """A tree that does not have the prefix. Raises KeyError when this one has not."""
        draft = self.draft()
        draft.remove(prefix, bits)
        return draft.done()

    def draft(self) -> Draft[V]:
        """To change many things at once."""
        return Draft(self)


class Draft(Generic[V]):
    """A tree while it is changed, by one writer. The tree it was made of stays as it is."""

    def __init__(self, tree: PrefixTree[V]) -> None:
        self._root: Below[V] | None = tree.root if tree.root is not _NOTHING else None
        self._default = tree.default
        self._size = tree.size
        self._change: Change[V] = Change()

    def done(self) -> PrefixTree[V]:
        """The tree. The draft may go on, to make others."""
        self._size += self._change.added
        self._change = Change()
        return PrefixTree(self._root, self._default, self._size)

    def get(self, prefix: int, bits: int) -> V | None:
        """The value of this very prefix as the draft is now, or None."""
        return get(self._root, prefix, bits) if bits else self._default

    def set(self, prefix: int, bits: int, value: V) -> None:
        """Raises ValueError for bits that do not hold the prefix."""
        if bits < 0 or prefix >> bits:
            raise ValueError(f"prefix {prefix:#x} does not fit {bits} bits")
        if bits:
            self._root = self._change.put(self._root, 0, prefix, bits, value)
        else:
            self._size += self._default is None
            self._default = value

    def remove(self, prefix: int, bits: int) -> None:
        """Raises KeyError when there is no such prefix."""
        if bits > 0:
            self._root = self._change.take(self._root, 0, prefix, bits)
        elif bits < 0 or prefix or self._default is None:
            raise KeyError(f"no prefix {prefix:#x} of {bits} bits")
        else:
            self._default = None
            self._size -= 1
