from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.conformance.references import align as module
from ringbed.conformance.references.align import EDITS, align

Pairs = list[tuple[int, int | None, int | None]]


def wrong(pairs: Pairs, sent: list[int], came: list[int]) -> int:
    """How many are missing, extra or changed."""
    return sum(of is None or to is None or sent[of] != came[to] for _, of, to in pairs)


@given(st.lists(st.integers(0, 3), max_size=120), st.lists(st.integers(0, 3), max_size=120))
def test_each_is_there_once_and_in_order(sent: list[int], came: list[int]) -> None:
    pairs = list(align(sent, came))
    assert [of for _, of, _ in pairs if of is not None] == list(range(len(sent)))
    assert [to for _, _, to in pairs if to is not None] == list(range(len(came)))
    assert all(of in (None, place) for place, of, _ in pairs)
    assert [place for place, _, _ in pairs] == sorted(place for place, _, _ in pairs)


@given(st.data(), st.integers(1, 6))
def test_what_is_lost_is_lost_and_nothing_else_is_wrong(data: st.DataObject, kinds: int) -> None:
    """Of frames that are few kinds over and over as well."""
    sent = data.draw(st.lists(st.integers(1, kinds), min_size=1, max_size=150))
    gone = data.draw(st.sets(st.integers(0, len(sent) - 1), max_size=8))
    came = [each for at, each in enumerate(sent) if at not in gone]
    assert wrong(list(align(sent, came)), sent, came) == len(gone)


@given(st.data())
def test_each_fault_is_one(data: st.DataObject) -> None:
    """Lost, doubled or changed, in any number and at any distance, of frames that differ."""
    sent = list(range(200))
    faults = data.draw(st.dictionaries(st.sampled_from(sent), st.sampled_from(["lost", "doubled", "changed"])))
    made: dict[str, Callable[[int], list[int]]]
    made = {"lost": lambda each: [], "doubled": lambda each: [each, each], "changed": lambda each: [-1 - each]}
    came = [part for each in sent for part in (made[faults[each]](each) if each in faults else [each])]
    found = wrong(list(align(sent, came)), sent, came)
    assert found <= len(faults)  # what is lost beside what is too many may be one that was changed
    assert (found == 0) == (sent == came)


@pytest.mark.parametrize("burst", [1, EDITS, EDITS + 1, 3000])
@pytest.mark.parametrize("turned", [False, True])
def test_a_burst_is_crossed(burst: int, turned: bool) -> None:
    random_ones = random.Random(burst)
    sent = [random_ones.randrange(40) for _ in range(8000)]
    came = sent[:2000] + sent[2000 + burst :]
    if turned:
        sent, came = came, sent
    assert wrong(list(align(sent, came)), sent, came) == burst


def shuffled(of: list[int], kinds: int = 0) -> list[int]:
    if kinds:
        return [random.Random(each).randrange(kinds) for each in of]
    return random.Random(1).sample(of, len(of))


SHAPES: dict[str, Callable[[list[int]], tuple[list[int], list[int]]]] = {
    "equal, one lost": lambda n: ([0] * len(n), [0] * (len(n) - 1)),
    "each seventh lost of three kinds": lambda n: ([x % 3 for x in n], [x % 3 for x in n if x % 7]),
    "nothing in common": lambda n: (n, [-1 - x for x in n]),
    "backwards": lambda n: (n, n[::-1]),
    "out of order": lambda n: (n, shuffled(n)),
    "halves exchanged": lambda n: (n, n[len(n) // 2 :] + n[: len(n) // 2]),
    "neighbours exchanged": lambda n: (n, [x ^ 1 for x in n]),
    "at random of two": lambda n: (shuffled(n, 2), shuffled([-1 - x for x in n], 2)),
    "at random of forty": lambda n: (shuffled(n, 40), shuffled([-1 - x for x in n], 40)),
    "all lost but the first": lambda n: (n, n[:1]),
    "one came out all the time": lambda n: ([0], [0] * len(n)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_four_times_as_many_cost_four_times_as_much(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in looks at two places; two lists with nothing in common cost the most, about 64 a frame."""
    common, looks = module._common, 0

    def counted(a: list[int], b: list[int], i: int, j: int) -> int:
        nonlocal looks
        length = common(a, b, i, j)
        looks += length + 1
        return length

    monkeypatch.setattr(module, "_common", counted)
    costs = []
    for size in (1000, 4000):
        looks = 0
        list(align(*SHAPES[shape](list(range(size)))))
        costs.append(looks)
        assert looks <= 100 * size
    assert costs[1] <= 5 * costs[0] + 5000
