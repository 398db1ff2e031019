"""What a tree of prefixes (tree.py) is made of, and how it is read.

Few prefixes of few lengths are a `Bunch`, a dict for each length, longest first. More are under a `Node`, which
stands for 8 bits: `own` are the prefixes that end in them, and `entries` says at once, for every value of the 8 bits,
which of these is the longest and what is below, so a lookup asks each node once. Where nothing branches for more than 8
bits there is no node: a `Far` says which bits must be there, and what comes then, one value or a node. The shape
follows from the contents alone, not from the way there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

V = TypeVar("V")
STRIDE = 8
INDEX = (1 << STRIDE) - 1
MOST = 256  # prefixes in a bunch: as many as a node has entries
LENGTHS = 6  # in a bunch: as many questions cost what three nodes do


class Far(Generic[V]):
    """Below are only keys that begin with these `bits` bits: the prefix itself with `value`, or what is in `node`."""

    __slots__ = ("bits", "node", "prefix", "value")
    entries = levels = None  # tells it from the others

    def __init__(self, prefix: int, bits: int, value: V | None, node: Node[V] | None) -> None:
        self.prefix = prefix
        self.bits = bits
        self.value = value
        self.node = node


class Bunch(Generic[V]):
    """A few prefixes, whole: (length, values by prefix), longest first. `owner` is the draft it is of."""

    __slots__ = ("levels", "owner")
    entries = None

    def __init__(self, levels: tuple[tuple[int, dict[int, V]], ...], owner: object = None) -> None:
        self.levels = levels
        self.owner = owner

    def __len__(self) -> int:
        return sum(len(values) for _, values in self.levels)


class Node(Generic[V]):
    """The 8 bits behind the `at` bits `prefix`. `below` counts entries that lead on; `owner` is the draft it is of.

    In `own`, the n bits p are the number 1p: so half of a number is the prefix that is one shorter.
    """

    __slots__ = ("at", "below", "entries", "own", "owner", "prefix")
    levels = None

    def __init__(self, prefix: int, at: int, owner: object) -> None:
        self.prefix = prefix
        self.at = at
        self.owner = owner
        self.own: dict[int, V] = {}
        self.entries: dict[int, tuple[V | None, Below[V] | None]] = {}
        self.below = 0


Below = Node[V] | Far[V] | Bunch[V]


def get(here: Below[V] | None, prefix: int, bits: int) -> V | None:
    """The value of this very prefix, not of no bits."""
    while here is not None:
        if isinstance(here, Bunch):
            return next((values.get(prefix) for length, values in here.levels if length == bits), None)
        if isinstance(here, Node):
            left = bits - here.at
            if left <= STRIDE:
                return here.own.get(own(prefix, left)) if left > 0 else None
            here = here.entries.get(prefix >> left - STRIDE & INDEX, (None, None))[1]
        elif bits < here.bits or prefix >> bits - here.bits != here.prefix:
            return None
        elif here.node is None:
            return here.value if bits == here.bits else None
        else:
            here = here.node
    return None


def through(node: Node[V], key: int, bits: int, found: list[tuple[int, V]]) -> Below[V] | None:
    """Add the node's own prefixes of a key to `found`, shortest first. What is below."""
    left = bits - node.at
    for n in range(1, min(STRIDE, left) + 1):
        value = node.own.get(own(key >> left - n, n))
        if value is not None:
            found.append((node.at + n, value))
    return node.entries.get(key >> left - STRIDE & INDEX, (None, None))[1] if left >= STRIDE else None


def items(here: Below[V] | None) -> Iterator[tuple[int, int, V]]:
    """(prefix, bits, value) of all there is."""
    todo = [here]
    while todo:
        each = todo.pop()
        if isinstance(each, Bunch):
            yield from ((prefix, bits, value) for bits, values in each.levels for prefix, value in values.items())
        elif isinstance(each, Far):
            if each.value is not None:
                yield each.prefix, each.bits, each.value
            todo.append(each.node)
        elif each is not None:
            for number, value in each.own.items():
                n = number.bit_length() - 1
                yield each.prefix << n | number ^ 1 << n, each.at + n, value
            todo += [below for _, below in each.entries.values()]


def own(prefix: int, n: int) -> int:
    """The number in `Node.own` of the last `n` bits of a prefix."""
    return 1 << n | prefix & (1 << n) - 1


def common(a: int, a_bits: int, b: int, b_bits: int) -> int:
    """How many leading bits are the same."""
    bits = min(a_bits, b_bits)
    return bits - (a >> a_bits - bits ^ b >> b_bits - bits).bit_length()
