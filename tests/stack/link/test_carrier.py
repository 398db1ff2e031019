from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.kern.ifq import Ifq
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.link.carrier import Carrier, L2Id, vlan
from ringbed.stack.link.demux import L2Demux, ether_key
from ringbed.stack.link.groups import Groups
from ringbed.stack.link.interface import Capabilities

US, PEER = b"\x02\0\0\0\0\x02", b"\x02\0\0\0\0\x01"
TAG = st.tuples(st.sampled_from([0x8100, 0x88A8, 0x9100]), st.integers(1, 4094))


def device() -> Carrier:
    ifq = Ifq("em0:0:txq:0", 0, lambda ifq: None, Scheduler())
    return Carrier(US, 1500, Capabilities(), L2Demux(), ifq, Groups(lambda groups: None))


@given(st.lists(TAG, max_size=4), st.integers(0, 4), st.sampled_from([0x0800, 0x0806, 0x86DD]))
def test_what_is_written_into_a_header_is_what_is_read_from_it(
    tags: list[tuple[int, int]], split: int, ethertype: int
) -> None:
    """However the tags are shared out among interfaces that stand on each other."""
    carrier = device().within(L2Id(tuple(tags[:split]))).within(L2Id(tuple(tags[split:])))
    header = carrier.header(PEER, ethertype)
    assert header[:12] == PEER + US
    entry = carrier.entry(ethertype, 7, lambda packet, argument: None)
    assert ether_key(header + bytes(46)) == (entry.prefix, entry.bits, len(header))
    assert (entry.station, entry.ifl_index) == (US, 7)
    assert carrier.mtu == 1500 - 4 * max(0, len(tags) - 1), "one tag is Ethernet's, every other is at our expense"


def test_an_l2_id_says_its_tags() -> None:
    assert str(vlan(42)) == "0x8100:42"
    assert str(L2Id(((0x88A8, 7), (0x8100, 42)))) == "0x88a8:7 0x8100:42"
    assert vlan(7, 0x88A8) == L2Id(((0x88A8, 7),))
    assert (L2Id().bits, L2Id().emit()) == (0, b"")


@pytest.mark.parametrize("tag", [(0x0800, 1), (0x8100, 0), (0x8100, 4095), (0x8100, 4096), (0x8100, -1)])
def test_what_is_no_tag_is_refused(tag: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="is no tag"):
        L2Id((tag,))
