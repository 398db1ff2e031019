"""The tree against a list of prefixes as strings, by every way to the same contents, and a writer against readers."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.table.tree import PrefixTree, _Far, _Node
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

    def below(each: _Node[int] | _Far[int] | None) -> object:
        if each is None:
            return None
        if isinstance(each, _Far):
            return each.prefix, each.bits, each.value, below(each.node)
        entries = {index: (value, below(under)) for index, (value, under) in each.entries.items()}
        assert each.below == sum(under is not None for _, under in each.entries.values())
        return each.prefix, each.at, each.own, entries

    return tree._default, len(tree), below(tree._root)


@given(st.dictionaries(BITS, st.integers(1, 99), max_size=30), st.lists(BITS, max_size=30))
def test_lookup_is_the_longest_prefix(contents: dict[str, int], keys: list[str]) -> None:
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


@given(CHANGES)
def test_every_change_leaves_the_old_tree_and_the_shape_does_not_tell_the_way(
    changes: list[tuple[str, int | None]],
) -> None:
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


@pytest.mark.parametrize("bits", [16, 64, 128, 256])
def test_steps_of_a_lookup_are_those_in_which_prefixes_differ(bits: int) -> None:
    """Whatever lengths there are: a key of 256 bits, and two prefixes of it, cost what one of 16 bits does."""
    tree = built({"1" * bits: 1, "1" * (bits - 1) + "0": 2})
    ((_, below),) = tree._root.entries.values()
    assert isinstance(below, _Far if bits > 16 else _Node)
    node = below.node if isinstance(below, _Far) else below
    assert node is not None
    assert (node.below, set(node.own.values())) == (0, {1, 2}), "the second node is the last"
    assert tree.lookup((1 << bits) - 1, bits) == 1


@pytest.fixture
def impatient() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


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
