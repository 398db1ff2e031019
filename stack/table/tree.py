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
and a reader, in whatever thread, sees before or after, and never waits. For many changes at once there is `draft`,
which nobody sees until `done`; it copies each node once, however often it is changed.

**Cost** of a lookup is that of one step for every 8 bits in which prefixes of the table differ, whatever lengths they
have: a default route is found as fast among 25 lengths as among 2. A set copies one node a step, of at most 256
entries.

How: a node stands for 8 bits and holds the prefixes that end in them, `own`. For every value of the 8 bits, `entries`
says at once which of these is the longest and what is below, so a lookup asks each node once. Where nothing branches
for more than 8 bits there is no node: a `_Far` says which bits must be there, and what comes then, a value or a node.
The shape follows from the contents alone, not from the way there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

V = TypeVar("V")
STRIDE = 8
_INDEX = (1 << STRIDE) - 1
_LEAF = 1 << STRIDE  # in `own`, the n bits p are the number 1p: so half of a number is the prefix that is one shorter


class _Far(Generic[V]):
    """Below are only keys that begin with these `bits` bits: the prefix itself with `value`, or what is in `node`."""

    __slots__ = ("bits", "node", "prefix", "value")
    entries = None  # tells it from a node

    def __init__(self, prefix: int, bits: int, value: V | None, node: _Node[V] | None) -> None:
        self.prefix = prefix
        self.bits = bits
        self.value = value
        self.node = node


class _Node(Generic[V]):
    """The 8 bits behind the `at` bits `prefix`. `below` counts entries that lead on; `owner` is the draft it is of."""

    __slots__ = ("at", "below", "entries", "own", "owner", "prefix")

    def __init__(self, prefix: int, at: int, owner: object) -> None:
        self.prefix = prefix
        self.at = at
        self.owner = owner
        self.own: dict[int, V] = {}
        self.entries: dict[int, tuple[V | None, _Below[V]]] = {}
        self.below = 0

    def copy(self, owner: object) -> _Node[V]:
        made: _Node[V] = _Node(self.prefix, self.at, owner)
        made.own, made.entries, made.below = self.own.copy(), self.entries.copy(), self.below
        return made


_Below = _Node[V] | _Far[V] | None


class PrefixTree(Generic[V]):
    """See the module's text. Empty when made."""

    __slots__ = ("_default", "_root", "_size")

    def __init__(self) -> None:
        self._root: _Node[V] = _Node(0, 0, None)
        self._default: V | None = None  # of the prefix of no bits
        self._size = 0

    def __len__(self) -> int:
        """How many prefixes."""
        return self._size

    def lookup(self, key: int, bits: int) -> V | None:
        """The value of the longest prefix that the `bits` bits `key` begin with; None when there is none."""
        best = self._default
        node = self._root
        last = bits - STRIDE
        while (shift := last - node.at) >= 0:
            entry = node.entries.get(key >> shift & _INDEX)
            if entry is None:
                return best
            value, below = entry
            if value is not None:
                best = value
            if below is None:
                return best
            if below.entries is None:
                shift = bits - below.bits
                if shift < 0 or key >> shift != below.prefix:
                    return best
                if below.node is None:
                    return below.value
                node = below.node
            else:
                node = below
        return next((value for _, value in self.matches(key, bits)), None)  # less than 8 bits are left: one by one

    def matches(self, key: int, bits: int) -> Iterator[tuple[int, V]]:
        """All prefixes that the key begins with, longest first: (bits of the prefix, value)."""
        found: list[tuple[int, V]] = [] if self._default is None else [(0, self._default)]
        node: _Node[V] | None = self._root
        while node is not None:
            left = bits - node.at
            for n in range(1, min(STRIDE, left) + 1):
                value = node.own.get(1 << n | key >> left - n & (1 << n) - 1)
                if value is not None:
                    found.append((node.at + n, value))
            below = node.entries.get(key >> left - STRIDE & _INDEX, (None, None))[1] if left >= STRIDE else None
            if isinstance(below, _Far):
                if bits < below.bits or key >> bits - below.bits != below.prefix:
                    break
                if below.value is not None:
                    found.append((below.bits, below.value))
                below = below.node
            node = below
        return reversed(found)

    def get(self, prefix: int, bits: int) -> V | None:
        """The value of this very prefix, or None."""
        return _get(self._root, prefix, bits) if bits else self._default

    def __iter__(self) -> Iterator[tuple[int, int, V]]:
        """(prefix, bits, value) of all, in no particular order."""
        if self._default is not None:
            yield 0, 0, self._default
        todo: list[_Below[V]] = [self._root]
        while todo:
            each = todo.pop()
            if isinstance(each, _Far):
                if each.value is not None:
                    yield each.prefix, each.bits, each.value
                todo.append(each.node)
            elif each is not None:
                for own, value in each.own.items():
                    n = own.bit_length() - 1
                    yield each.prefix << n | own ^ 1 << n, each.at + n, value
                todo += [below for _, below in each.entries.values()]

    # -- changes ------------------------------------------------------------------------------------------------

    def draft(self) -> Draft[V]:
        """To change many things at once."""
        return Draft(self)

    def set(self, prefix: int, bits: int, value: V) -> PrefixTree[V]:
        """A tree in which the prefix has this value. Raises ValueError for bits that do not hold it."""
        draft = Draft(self)
        draft.set(prefix, bits, value)
        return draft.done()

    def without(self, prefix: int, bits: int) -> PrefixTree[V]:
        """A tree that does not have the prefix. Raises KeyError when this one has not."""
        draft = Draft(self)
        draft.remove(prefix, bits)
        return draft.done()


class Draft(Generic[V]):
    """A tree while it is changed, by one writer; made by `PrefixTree.draft`. The tree it was made of stays as it is."""

    def __init__(self, tree: PrefixTree[V]) -> None:
        self._default = tree._default
        self._size = tree._size
        self._owner: object = object()  # nodes that are not this draft's are copied before they change
        self._root = tree._root

    def done(self) -> PrefixTree[V]:
        """The tree. The draft may go on, to make others."""
        made: PrefixTree[V] = PrefixTree()
        made._root, made._default, made._size = self._root, self._default, self._size
        self._owner = object()
        return made

    def get(self, prefix: int, bits: int) -> V | None:
        """The value of this very prefix as the draft is now, or None."""
        return _get(self._root, prefix, bits) if bits else self._default

    def set(self, prefix: int, bits: int, value: V) -> None:
        """Raises ValueError for bits that do not hold the prefix."""
        if bits < 0 or prefix >> bits:
            raise ValueError(f"prefix {prefix:#x} does not fit {bits} bits")
        if bits:
            self._root = self._put(self._root, prefix, bits, value)
        else:
            self._size += self._default is None
            self._default = value

    def remove(self, prefix: int, bits: int) -> None:
        """Raises KeyError when there is no such prefix."""
        if bits > 0:
            self._root = self._take(self._root, prefix, bits)
        elif bits < 0 or prefix or self._default is None:
            raise KeyError(f"no prefix {prefix:#x} of {bits} bits")
        else:
            self._default = None
            self._size -= 1

    def _mine(self, node: _Node[V]) -> _Node[V]:
        return node if node.owner is self._owner else node.copy(self._owner)

    # -- in ---------------------------------------------------------------------------------------------------

    def _put(self, node: _Node[V], prefix: int, bits: int, value: V) -> _Node[V]:
        """`prefix` begins with the node's, and is longer."""
        node = self._mine(node)
        left = bits - node.at
        if left > STRIDE:
            index = prefix >> left - STRIDE & _INDEX
            best, below = node.entries.get(index, (None, None))
            node.below += below is None
            node.entries[index] = best, self._put_below(below, node.at + STRIDE, prefix, bits, value)
        else:
            own = 1 << left | prefix & (1 << left) - 1
            self._size += own not in node.own
            node.own[own] = value
            _refresh(node, own)
        return node

    def _put_below(self, below: _Below[V], at: int, prefix: int, bits: int, value: V) -> _Below[V]:
        """What takes the place of `below`, `at` bits from the top."""
        if below is None:
            self._size += 1
            return _Far(prefix, bits, value, None)
        if isinstance(below, _Node):
            return self._put(below, prefix, bits, value)
        if bits == below.bits and prefix == below.prefix and below.node is None:
            return _Far(prefix, bits, value, None)
        if below.node is not None and bits > below.bits and prefix >> bits - below.bits == below.prefix:
            return _hang(self._put(below.node, prefix, bits, value), at)
        return _hang(self._put(self._fork(below, prefix, bits), prefix, bits, value), at)

    def _fork(self, below: _Far[V], prefix: int, bits: int) -> _Node[V]:
        """A node where the ways part, or the shorter of the two prefixes ends, with what is there in it."""
        ends = below.bits - (below.node is None)  # a value may end within a node, a node begins where one ends
        at = min(_common(prefix, bits, below.prefix, below.bits), bits - 1, ends) // STRIDE * STRIDE
        node: _Node[V] = _Node(prefix >> bits - at, at, self._owner)
        left = below.bits - at
        if below.node is None and left <= STRIDE:
            assert below.value is not None
            own = 1 << left | below.prefix & (1 << left) - 1
            node.own[own] = below.value
            _refresh(node, own)
        else:
            under: _Below[V] = below if below.node is None else _hang(below.node, at + STRIDE)
            node.entries[below.prefix >> left - STRIDE & _INDEX] = None, under
            node.below = 1
        return node

    # -- out --------------------------------------------------------------------------------------------------

    def _take(self, node: _Node[V], prefix: int, bits: int) -> _Node[V]:
        node = self._mine(node)
        left = bits - node.at
        if left > STRIDE:
            index = prefix >> left - STRIDE & _INDEX
            best, below = node.entries.get(index, (None, None))
            below = self._take_below(below, node.at + STRIDE, prefix, bits)
            node.below -= below is None
            if best is None and below is None:
                del node.entries[index]
            else:
                node.entries[index] = best, below
        else:
            own = 1 << left | prefix & (1 << left) - 1
            if own not in node.own:
                raise KeyError(f"no prefix {prefix:#x} of {bits} bits")
            del node.own[own]
            self._size -= 1
            _refresh(node, own)
        return node

    def _take_below(self, below: _Below[V], at: int, prefix: int, bits: int) -> _Below[V]:
        if isinstance(below, _Node):
            return _folded(self._take(below, prefix, bits), at)
        if below is not None and bits >= below.bits and prefix >> bits - below.bits == below.prefix:
            if below.node is not None and bits > below.bits:
                return _folded(self._take(below.node, prefix, bits), at)
            if below.node is None and bits == below.bits:
                self._size -= 1
                return None
        raise KeyError(f"no prefix {prefix:#x} of {bits} bits")


def _get(node: _Node[V], prefix: int, bits: int) -> V | None:
    """The value of this very prefix, not of no bits."""
    while (left := bits - node.at) > STRIDE:
        entry = node.entries.get(prefix >> left - STRIDE & _INDEX)
        below = None if entry is None else entry[1]
        if below is None:
            return None
        if below.entries is not None:
            node = below
            continue
        if bits < below.bits or prefix >> bits - below.bits != below.prefix:
            return None
        if below.node is None:
            return below.value if bits == below.bits else None
        node = below.node
        if bits <= node.at:
            return None
    return node.own.get(1 << left | prefix & (1 << left) - 1)


def _refresh(node: _Node[V], own: int) -> None:
    """Entries that the prefix `own` covers, after it came or went."""
    n = own.bit_length() - 1
    first = (own ^ 1 << n) << STRIDE - n
    entries, same = node.entries, (None, None)
    for index in range(first, first + (1 << STRIDE - n)):
        best, below = _longest(node.own, _LEAF | index), entries.get(index, (None, None))[1]
        if best is None and below is None:
            entries.pop(index, None)
            continue
        if below is not None or same[0] is not best:  # neighbours of one value share a pair
            same = (best, below)  # type: ignore[assignment]
        entries[index] = same
        if below is not None:
            same = (None, None)


def _longest(own: dict[int, V], number: int) -> V | None:
    while number > 1:
        if (value := own.get(number)) is not None:
            return value
        number >>= 1
    return None


def _hang(node: _Node[V], at: int) -> _Below[V]:
    """The node as what is found `at` bits from the top: itself, or behind the bits that are skipped."""
    return node if node.at == at else _Far(node.prefix, node.at, None, node)


def _folded(node: _Node[V], at: int) -> _Below[V]:
    """A node that was taken from, `at` bits from the top: none where nothing branches any more."""
    if len(node.own) + node.below > 1:
        return _hang(node, at)
    if not node.below:
        ((own, value),) = node.own.items()
        n = own.bit_length() - 1
        return _Far(node.prefix << n | own ^ 1 << n, node.at + n, value, None)
    ((_, below),) = node.entries.values()
    return _Far(below.prefix, below.at, None, below) if isinstance(below, _Node) else below


def _common(a: int, a_bits: int, b: int, b_bits: int) -> int:
    """How many leading bits are the same."""
    bits = min(a_bits, b_bits)
    return bits - (a >> a_bits - bits ^ b >> b_bits - bits).bit_length()
