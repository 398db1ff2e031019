"""The tree against a list of prefixes as strings, by every way to the same contents, and a writer against readers."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.table import change
from ringbed.stack.table.parts import LENGTHS, MOST, Below, Bunch, Far, Node
from ringbed.stack.table.tree import PrefixTree
from tests.stack.naive import longest_prefix

# lengths around the strides, and prefixes of each other by sharing a few stems
STEMS = ("", "0", "1", "00001010", "0000101000000001", "1" * 23, "1" * 24, "01" * 20)
BITS = st.builds(lambda stem, rest: stem + rest, st.sampled_from(STEMS), st.text("01", max_size=18))


def number(text: str) -> tuple[int, int]:
    return int(text or "0", 2), len(text)


def built(contents: dict[str, int]) -> PrefixTree[int]:
    draft = PrefixTree[int]().draft()
    for text, value in contents.items():
        draft.set(*number(text), value)
    return draft.done()


def shape(tree: PrefixTree[int]) -> object:
    """All of it, to compare: two trees of one shape are the same to every lookup."""

    def below(each: Below[int] | None) -> object:
        if isinstance(each, Far):
            return each.prefix, each.bits, each.value, below(each.node)
        if isinstance(each, Node):
            entries = {index: (value, below(under)) for index, (value, under) in each.entries.items()}
            assert each.below == sum(under is not None for _, under in each.entries.values())
            return each.prefix, each.at, dict(each.own), entries
        return None if each is None else [(length, dict(values)) for length, values in each.levels]

    return tree.default, len(tree), below(tree.root)


SIZES = [(MOST, LENGTHS), (3, 2), (1, 1)]  # how much a bunch may hold: with little, there are nodes


@contextmanager
def bunches(most: int, lengths: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(change, "MOST", most)
        patch.setattr(change, "LENGTHS", lengths)
        yield


@pytest.mark.parametrize("size", SIZES)
@given(st.dictionaries(BITS, st.integers(1, 99), max_size=30), st.lists(BITS, max_size=30))
def test_lookup_is_the_longest_prefix(size: tuple[int, int], contents: dict[str, int], keys: list[str]) -> None:
    with bunches(*size):
        tree = built(contents)
    for text in [*keys, *contents, *(text + "0110" for text in contents), *(text[:-1] for text in contents)]:
        key, bits = number(text)
        assert tree.lookup(key, bits) == longest_prefix(text, contents.items())
        assert tree.get(key, bits) == contents.get(text)
        fitting = sorted((len(p), value) for p, value in contents.items() if text.startswith(p))
        assert list(tree.matches(key, bits)) == fitting[::-1]
    assert len(tree) == len(contents)
    assert {(f"{p:0{n}b}" if n else ""): value for p, n, value in tree} == contents


CHANGES = st.lists(st.tuples(BITS, st.one_of(st.none(), st.integers(1, 99))), max_size=40)


@pytest.mark.parametrize("size", SIZES)
@given(CHANGES)
def test_every_change_leaves_the_old_tree_and_the_shape_does_not_tell_the_way(
    size: tuple[int, int], changes: list[tuple[str, int | None]]
) -> None:
    with bunches(*size):
        every_change_leaves_the_old_tree(changes)


def every_change_leaves_the_old_tree(changes: list[tuple[str, int | None]]) -> None:
    tree, contents, before = PrefixTree[int](), dict[str, int](), list[tuple[PrefixTree[int], object]]()
    for text, value in changes:
        before.append((tree, shape(tree)))
        if value is not None:
            tree, contents[text] = tree.set(*number(text), value), value
        elif text in contents:
            tree = tree.without(*number(text))
            del contents[text]
        else:
            with pytest.raises(KeyError):
                tree.without(*number(text))
    for old, was in before:
        assert shape(old) == was
    assert shape(tree) == shape(built(contents))
    assert shape(tree) == shape(built(dict(sorted(contents.items(), reverse=True))))
    for text in contents:
        tree = tree.without(*number(text))
    assert shape(tree) == shape(PrefixTree[int]())


def test_a_draft_goes_on_after_it_was_done_and_touches_nothing_it_gave() -> None:
    draft = PrefixTree[int]().draft()
    draft.set(0x0A, 8, 1)
    first = draft.done()
    draft.set(0x0A01, 16, 2)
    draft.remove(0x0A, 8)
    second = draft.done()
    assert [tree.lookup(0x0A010000, 32) for tree in (first, second)] == [1, 2]
    assert [tree.lookup(0x0A020000, 32) for tree in (first, second)] == [1, None]


def test_what_is_no_prefix_is_refused() -> None:
    tree = PrefixTree[int]()
    with pytest.raises(ValueError, match="prefix 0x100 does not fit 8 bits"):
        tree.set(0x100, 8, 1)
    with pytest.raises(ValueError, match="does not fit -1 bits"):
        tree.set(0, -1, 1)
    for bits in (-1, 0, 8):
        with pytest.raises(KeyError):
            tree.without(0, bits)


def test_a_large_table_agrees_with_dicts_by_length() -> None:
    """Some thousand prefixes of 25 lengths, so that there are nodes, bunches and bits that are skipped at once."""
    rng = random.Random(5)
    levels: dict[int, dict[int, int]] = {}
    draft = PrefixTree[int]().draft()
    for n in range(5000):
        bits = rng.randrange(8, 33)
        prefix = rng.choice((0x0A000000, 0xC0A80000, rng.getrandbits(32))) >> 32 - bits ^ rng.getrandbits(bits // 2)
        levels.setdefault(bits, {})[prefix] = n
        draft.set(prefix, bits, n)
    tree = draft.done()
    assert len(tree) == sum(map(len, levels.values()))
    kinds = {type(each) for each in parts(tree)}
    assert kinds == {Node, Bunch, Far}
    for _ in range(3000):
        key = rng.choice((0x0A000000, 0xC0A80000, rng.getrandbits(32))) ^ rng.getrandbits(18)
        fitting = [levels[bits].get(key >> 32 - bits) for bits in sorted(levels, reverse=True)]
        assert tree.lookup(key, 32) == next((value for value in fitting if value is not None), None)
    for bits, values in levels.items():
        for prefix in values:
            draft.remove(prefix, bits)
    assert shape(draft.done()) == shape(PrefixTree[int]())


def parts(tree: PrefixTree[int]) -> Iterator[Below[int]]:
    todo: list[Below[int] | None] = [tree.root]
    while todo:
        each = todo.pop()
        if each is not None:
            yield each
        if isinstance(each, Far):
            todo.append(each.node)
        elif isinstance(each, Node):
            todo += [below for _, below in each.entries.values()]


def questions(tree: PrefixTree[int], key: int, bits: int) -> int:
    """How many dicts a lookup asks."""
    asked, here = 0, tree.root
    while True:
        if isinstance(here, Bunch):
            return asked + len(here.levels)
        if isinstance(here, Far):
            if here.node is None or key >> bits - here.bits != here.prefix:
                return asked
            here = here.node
            continue
        asked += 1
        below = here.entries.get(key >> bits - here.at - 8 & 255, (None, None))[1]
        if below is None:
            return asked
        here = below


@pytest.mark.parametrize("lengths", [2, 25])
def test_the_default_route_is_as_near_whatever_lengths_there_are(lengths: int) -> None:
    rng = random.Random(lengths)
    draft = PrefixTree[int]().draft()
    draft.set(0, 0, 1)
    for _ in range(3000):
        bits = 8 + rng.randrange(lengths)
        draft.set(rng.getrandbits(bits) | 1 << bits - 1, bits, 2)  # none of them begins with a 0
    tree = draft.done()
    assert tree.lookup(0x01020304, 32) == 1
    assert questions(tree, 0x01020304, 32) <= 2


@pytest.mark.parametrize("bits", [16, 64, 128, 256])
def test_bits_in_which_nothing_branches_cost_nothing(bits: int) -> None:
    """A key of 256 bits, and 300 prefixes of it that part in the last 16, cost what one of 16 bits does."""
    draft = PrefixTree[int]().draft()
    stem = (1 << bits - 16) - 1
    for n in range(300):
        draft.set(stem << 16 | n * 200, bits, n)
    tree = draft.done()
    assert max(questions(tree, stem << 16 | n * 200, bits) for n in range(300)) == 2
    assert [tree.lookup(stem << 16 | n * 200, bits) for n in range(300)] == list(range(300))


def test_readers_see_before_or_after_while_a_writer_changes(impatient: None) -> None:
    """A default and one replaced over and over, prefixes beside it come and go: no reader finds anything else."""
    published = [built({"": 1, "0000101000000001": 10, "00001010": 5})]
    wrong: list[tuple[str, object]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            tree = published[0]
            if (found := published[0].lookup(0x0A010203, 32)) not in range(10, 200):
                wrong.append(("replaced", found))
            if (found := tree.lookup(0x0A020203, 32)) != 5 or tree.lookup(0x0B000000, 32) != 1:
                wrong.append(("beside", found))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for n in range(400):
        published[0] = published[0].set(0x0A01, 16, 10 + n % 190)
        beside = (0x0A0100 | n & 0x7F, 24)
        published[0] = published[0].set(*beside, 10 + n % 100).set(0x0C, 8, 7)
        published[0] = published[0].without(*beside).without(0x0C, 8)
    done.set()
    for reader in readers:
        reader.join(60)
    assert wrong == []
