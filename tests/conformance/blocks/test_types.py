from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ringbed.conformance.blocks.case import Answers, Ask
from ringbed.conformance.blocks.run import check_block
from ringbed.conformance.blocks.types import CODES, own_codes
from ringbed.conformance.references.toeplitz import MICROSOFT_KEY
from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.blocks import contract
from tests.conformance.blocks.models import RssHash

STREAM = Setup(contract("rss-hash", "stream"), key=MICROSOFT_KEY)
OTHERS = {1: 0x11, 2: 0x15, 3: 0x19, 4: 0x12, 5: 0x16, 6: 0x1A}  # flags, as some have them
TABLE = "types = { ipv4 = 17, ipv4-tcp = 21, ipv4-udp = 25, ipv6 = 18, ipv6-tcp = 22, ipv6-udp = 26 }"


class Coded:
    """A right hash unit with other codes."""

    def __init__(self, codes: dict[int, int], spoil: str = "") -> None:
        self.codes, self.right = codes, RssHash(MICROSOFT_KEY, spoil)

    def __call__(self, asks: Sequence[Ask]) -> Answers:
        came = self.right(asks)
        return replace(came, results=[{**each, "type": self.codes.get(each["type"], 0)} for each in came.results])


def test_other_codes_are_one_finding_with_the_line_that_the_map_lacks() -> None:
    block = Coded(OTHERS)
    assert len(check_block(block, STREAM).findings) > 500
    setup, finding = own_codes(block, STREAM, 1)
    assert finding is not None
    assert (finding.kind, finding.of_batch) == (CODES, True)
    assert TABLE in str(finding)
    assert [str(each) for each in check_block(block, setup).findings] == []


def test_a_wrong_hash_is_still_found_behind_it() -> None:
    block = Coded(OTHERS, "hashes ports of fragments")
    setup, finding = own_codes(block, STREAM, 1)
    assert finding is not None
    found = check_block(block, setup).findings
    assert found
    assert all("fragment" in each.about for each in found)


def test_what_the_block_does_not_do_is_left_out() -> None:
    """A hash of addresses alone has that code, whatever the packet is."""
    setup, finding = own_codes(Coded({**OTHERS, 3: 0x19, 6: 0x1A}), STREAM, 1)
    assert finding is not None
    assert set(setup.types) == {"ipv4", "ipv4-tcp", "ipv4-udp", "ipv6", "ipv6-tcp", "ipv6-udp"}


@pytest.mark.parametrize("setup", [
    replace(STREAM, types={"ipv4": 1}),
    Setup(contract("rss-hash", "fields"), key=MICROSOFT_KEY),
    replace(STREAM, widths={"hash": 32}),
    Setup(contract("rx-checksum", "sum")),
])  # fmt: skip
def test_nothing_is_asked_where_it_is_said_or_cannot_be_seen(setup: Setup) -> None:
    def block(asks: Sequence[Ask]) -> Answers:
        raise AssertionError("asked")

    assert own_codes(block, setup, 1) == (setup, None)


def test_the_contracts_own_codes_and_what_makes_no_table_are_left_as_they_are() -> None:
    assert own_codes(RssHash(MICROSOFT_KEY), STREAM, 1) == (STREAM, None)
    assert own_codes(Coded({**OTHERS, 3: OTHERS[2]}), STREAM, 1) == (STREAM, None)  # one code for TCP and UDP
    assert own_codes(RssHash(bytes(40)), replace(STREAM, key=MICROSOFT_KEY), 1) == (STREAM, None)  # wrong hashes
