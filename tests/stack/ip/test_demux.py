from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbed.stack.ip.demux import L3Demux, Match
from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.wire.family import FAMILIES, INET, Family
from tests.stack import naive

ALL = 0xFFFFFFFF


def queue(name: str = "") -> ServiceQueue:
    return ServiceQueue(name, lambda message: None, Scheduler(), Counter(""))


MASK = st.sampled_from([0, 0xFFFF, 0xFFFF0000, ALL, 0xFF, 0xFF00])
FEW = st.integers(0, 1)
MATCH = st.builds(
    lambda proto, dst, src, word, mask: Match(proto, dst, src, word & mask, mask),
    st.sampled_from([6, 17]), st.none() | FEW, st.none() | FEW, st.sampled_from([0, 0x00010001, 0x00010101]), MASK,
)  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES.values(), ids=str)
@settings(max_examples=150)
@given(
    st.sets(MATCH, max_size=12),
    st.sets(MATCH, max_size=4),
    st.lists(st.tuples(FEW, FEW, st.sampled_from([0, 0x00010001, 0x00010101]))),
)
def test_lookup_is_the_best_match(
    family: Family, added: set[Match], removed: set[Match], keys: list[tuple[int, int, int]]
) -> None:
    """Addresses differ in their first bit, which is bit 0 of `FEW` here and all the way up there."""
    top = family.bits - 1
    added, removed = ({placed(match, top) for match in matches} for matches in (added, removed))
    keys = [(dst << top, src << top, word) for dst, src, word in keys]
    demux = L3Demux(family)
    queues = {match: queue() for match in added}
    for match, q in queues.items():
        demux.add(match, q)
    for match in added & removed:
        demux.remove(match)
        del queues[match]
    for key in keys:
        entries = [(pattern(m, family.ones), q) for m, q in queues.items() if m.proto == 17]
        assert demux.lookup(key[0], key[1], 17, key[2]) is naive.best_match(key, entries)


def placed(m: Match, top: int) -> Match:
    dst, src = (None if a is None else a << top for a in (m.dst, m.src))
    return Match(m.proto, dst, src, m.word, m.mask)


def pattern(m: Match, ones: int) -> list[tuple[int, int]]:
    addresses = [(0, 0) if a is None else (a, ones) for a in (m.dst, m.src)]
    return [*addresses, (m.word, m.mask)]


def test_a_connected_socket_beats_a_bound_one_beats_a_wild_one_beats_the_catch_all() -> None:
    demux = L3Demux(INET)
    wanted = [
        Match(17),
        Match(17, None, None, 7, 0xFFFF),
        Match(17, 1, None, 7, 0xFFFF),
        Match(17, 1, 2, 9 << 16 | 7, ALL),
    ]
    for match in wanted:
        q = queue(str(match))
        demux.add(match, q)
        assert demux.lookup(1, 2, 17, 9 << 16 | 7) is q
    assert demux.lookup(1, 2, 6, 0) is None, "the protocol is never wild"


def test_refusals() -> None:
    demux = L3Demux(INET)
    match = Match(17, 0x0A000001, None, 7, 0xFFFF)
    demux.add(match, queue())
    with pytest.raises(
        ValueError, match=r"L3 entry proto 17 to 10\.0\.0\.1 from \* word 0x00000007/0x0000ffff is taken"
    ):
        demux.add(match, queue())
    with pytest.raises(ValueError, match="is not there"):
        demux.remove(Match(17))
    for bad in ({"proto": 256}, {"proto": 17, "word": 1}, {"proto": 17, "word": 1 << 32, "mask": 1 << 32}):
        with pytest.raises(ValueError, match="cannot match"):
            Match(**bad)


def test_address_zero_is_not_any_address() -> None:
    demux = L3Demux(INET)
    demux.add(Match(17, 0), queue())
    assert demux.lookup(1, 1, 17, 0) is None
