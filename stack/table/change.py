"""How a tree of prefixes (tree.py) is changed: each part is copied before it changes, once by each owner."""

from __future__ import annotations

from itertools import islice
from typing import Generic, TypeVar

from ringbed.stack.table.parts import INDEX, LENGTHS, MOST, STRIDE, Below, Bunch, Far, Node, common, items, own

V = TypeVar("V")


class Change(Generic[V]):
    """`added` counts prefixes that came less those that went. Parts of this owner are nobody else's yet.

    `at` is how many bits from the top a part hangs; what hangs there has at least one bit more.
    """

    def __init__(self) -> None:
        self.added = 0

    # -- in ---------------------------------------------------------------------------------------------------

    def put(self, here: Below[V] | None, at: int, prefix: int, bits: int, value: V) -> Below[V]:
        """What takes the place of `here`, with the prefix in it."""
        if here is None:
            self.added += 1
            return Far(prefix, bits, value, None)
        if isinstance(here, Node):
            return self._put_in_node(here, prefix, bits, value)
        if isinstance(here, Bunch):
            return self._put_in_bunch(here, at, prefix, bits, value)
        if here.node is None:
            return self._put_beside(here, at, prefix, bits, value)
        if bits > here.bits and prefix >> bits - here.bits == here.prefix:
            return _hang(self._put_in_node(here.node, prefix, bits, value), at)
        return _hang(self._put_in_node(self._fork(here, prefix, bits), prefix, bits, value), at)

    def _put_in_node(self, node: Node[V], prefix: int, bits: int, value: V) -> Node[V]:
        node = self._mine(node)
        left = bits - node.at
        if left > STRIDE:
            index = prefix >> left - STRIDE & INDEX
            best, below = node.entries.get(index, (None, None))
            node.below += below is None
            node.entries[index] = best, self.put(below, node.at + STRIDE, prefix, bits, value)
        else:
            number = own(prefix, left)
            self.added += number not in node.own
            node.own[number] = value
            _refresh(node, number)
        return node

    def _mine(self, node: Node[V]) -> Node[V]:
        if node.owner is self:
            return node
        made: Node[V] = Node(node.prefix, node.at, self)
        made.own, made.entries, made.below = node.own.copy(), node.entries.copy(), node.below
        return made

    def _put_beside(self, leaf: Far[V], at: int, prefix: int, bits: int, value: V) -> Below[V]:
        if (bits, prefix) == (leaf.bits, leaf.prefix):
            return Far(prefix, bits, value, None)
        assert leaf.value is not None
        return self._put_in_bunch(Bunch(((leaf.bits, {leaf.prefix: leaf.value}),), self), at, prefix, bits, value)

    def _put_in_bunch(self, bunch: Bunch[V], at: int, prefix: int, bits: int, value: V) -> Below[V]:
        """Or in a node, when it is too much for a bunch."""
        levels = dict(bunch.levels)
        new = prefix not in levels.get(bits, ())
        if new and (len(bunch) == MOST or len(levels | {bits: None}) > LENGTHS):
            return self._spread(bunch, at, prefix, bits, value)
        self.added += new
        if bunch.owner is not self:
            levels = {length: values.copy() for length, values in bunch.levels}
        levels.setdefault(bits, {})[prefix] = value
        return Bunch(tuple(sorted(levels.items(), reverse=True)), self)

    def _spread(self, bunch: Bunch[V], at: int, prefix: int, bits: int, value: V) -> Below[V]:
        """A node where the first of them part, or the shortest ends."""
        everything = [*items(bunch), (prefix, bits, value)]
        same = min(common(prefix, bits, other, length) for other, length, _ in everything)
        top = min(same, min(length for _, length, _ in everything) - 1) // STRIDE * STRIDE
        node: Node[V] = Node(prefix >> bits - top, top, self)
        before = self.added
        for each in everything:
            self._put_in_node(node, *each)
        self.added = before + 1
        return _hang(node, at)

    def _fork(self, far: Far[V], prefix: int, bits: int) -> Node[V]:
        """A node where the ways to a node and to the prefix part, or the prefix ends, with what is there in it."""
        assert far.node is not None
        top = min(common(prefix, bits, far.prefix, far.bits), bits - 1) // STRIDE * STRIDE
        node: Node[V] = Node(prefix >> bits - top, top, self)
        node.entries[far.prefix >> far.bits - top - STRIDE & INDEX] = None, _hang(far.node, top + STRIDE)
        node.below = 1
        return node

    # -- out --------------------------------------------------------------------------------------------------

    def take(self, here: Below[V] | None, at: int, prefix: int, bits: int) -> Below[V] | None:
        """What takes the place of `here`, without the prefix. Raises KeyError when it is not there."""
        if isinstance(here, Node):
            return _folded(self._take_from_node(here, prefix, bits), at)
        if isinstance(here, Bunch):
            return self._take_from_bunch(here, prefix, bits)
        if here is not None and bits >= here.bits and prefix >> bits - here.bits == here.prefix:
            if here.node is not None and bits > here.bits:
                return _folded(self._take_from_node(here.node, prefix, bits), at)
            if here.node is None and bits == here.bits:
                self.added -= 1
                return None
        raise _missing(prefix, bits)

    def _take_from_node(self, node: Node[V], prefix: int, bits: int) -> Node[V]:
        node = self._mine(node)
        left = bits - node.at
        if left > STRIDE:
            index = prefix >> left - STRIDE & INDEX
            best, below = node.entries.get(index, (None, None))
            below = self.take(below, node.at + STRIDE, prefix, bits)
            node.below -= below is None
            if best is None and below is None:
                del node.entries[index]
            else:
                node.entries[index] = best, below
            return node
        number = own(prefix, left) if left > 0 else 0
        if number not in node.own:
            raise _missing(prefix, bits)
        del node.own[number]
        self.added -= 1
        _refresh(node, number)
        return node

    def _take_from_bunch(self, bunch: Bunch[V], prefix: int, bits: int) -> Below[V] | None:
        left = [item for item in items(bunch) if item[:2] != (prefix, bits)]
        if len(left) == len(bunch):
            raise _missing(prefix, bits)
        self.added -= 1
        return _gathered(left)


def _missing(prefix: int, bits: int) -> KeyError:
    return KeyError(f"no prefix {prefix:#x} of {bits} bits")


def _refresh(node: Node[V], number: int) -> None:
    """Entries that an own prefix covers, after it came or went."""
    n = number.bit_length() - 1
    first = (number ^ 1 << n) << STRIDE - n
    shared: dict[int, tuple[V | None, Below[V] | None]] = {}  # neighbours of one value have one pair
    for index in range(first, first + (1 << STRIDE - n)):
        best, below = _longest(node.own, 1 << STRIDE | index), node.entries.get(index, (None, None))[1]
        if best is None and below is None:
            node.entries.pop(index, None)
        else:
            node.entries[index] = (best, below) if below is not None else shared.setdefault(id(best), (best, None))


def _longest(prefixes: dict[int, V], number: int) -> V | None:
    while number > 1:
        if (value := prefixes.get(number)) is not None:
            return value
        number >>= 1
    return None


def _hang(node: Node[V], at: int) -> Below[V]:
    """The node as what is found `at` bits from the top: itself, or behind the bits that are skipped."""
    return node if node.at == at else Far(node.prefix, node.at, None, node)


def _folded(node: Node[V], at: int) -> Below[V] | None:
    """A node that was taken from: nothing more than it needs for what is left."""
    if len(node.own) + node.below <= MOST:
        left = list(islice(items(node), MOST + 1))
        if len(left) <= MOST and len({bits for _, bits, _ in left}) <= LENGTHS:
            return _gathered(left)
    if node.own or node.below > 1:
        return _hang(node, at)
    below = next(below for _, below in node.entries.values() if below is not None)
    return _hang(below, at) if isinstance(below, Node) else below


def _gathered(left: list[tuple[int, int, V]]) -> Below[V] | None:
    """What is small enough for it as a bunch, or less."""
    if len(left) < 2:
        return Far(*left[0], None) if left else None
    levels: dict[int, dict[int, V]] = {}
    for prefix, bits, value in left:
        levels.setdefault(bits, {})[prefix] = value
    return Bunch(tuple(sorted(levels.items(), reverse=True)))
