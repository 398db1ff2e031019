from __future__ import annotations

from ringbed.conformance.anatomy import dissect
from ringbed.conformance.blocks.rss_hash import stream_cases
from ringbed.conformance.toeplitz import MICROSOFT_KEY
from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.blocks import contract


def test_behind_ipv4_options_of_any_length_addresses_alone_are_right_too() -> None:
    """A header of 40 bytes, an IPv6 one's length, was taken for one without options."""
    setup = Setup(contract("rss-hash", "stream"), key=MICROSOFT_KEY)
    lengths = {}
    for case in stream_cases("every protocol", 1, setup):
        parts = dissect(case.ask.frame)
        if parts.name == "ipv4 options tcp or udp":
            lengths[parts.ip[1] - parts.ip[0]] = {result["the type"] for result in case.results}
    assert set(lengths) == set(range(24, 61, 4))
    assert all(types in ({"ipv4-tcp", "ipv4"}, {"ipv4-udp", "ipv4"}) for types in lengths.values())
