from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.link.groups import Groups

GROUP = st.sampled_from([bytes([1, 0, 0x5E, 0, 0, n]) for n in range(3)])


@given(st.lists(st.tuples(GROUP, st.booleans()), max_size=20))
def test_the_device_hears_the_list_whenever_it_changes_and_only_then(changes: list[tuple[bytes, bool]]) -> None:
    told: list[Sequence[bytes]] = []
    groups, reasons = Groups(told.append), Counter[bytes]()
    for group, joins in changes:
        before = +reasons
        if joins:
            groups.join(group)
            reasons[group] += 1
        elif reasons[group]:
            groups.leave(group)
            reasons[group] -= 1
        else:
            with pytest.raises(KeyError):
                groups.leave(group)
        if set(before) != set(+reasons):
            assert set(told.pop()) == set(+reasons)
        assert told == []


@pytest.mark.parametrize("address", [b"\x02\0\0\0\0\1", b"\x01\0\0", b""])
def test_a_stations_address_is_no_group(address: bytes) -> None:
    with pytest.raises(ValueError, match="is no address of a group"):
        Groups(lambda groups: None).join(address)
