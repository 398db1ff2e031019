from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.blocks import HashKind, contract

KEY = bytes(range(40))


def test_without_widths_a_block_has_every_port_of_its_contract() -> None:
    assert Setup(contract("tx-checksum")).ports == {"start": 16, "offset": 16, "enable": 1, "udp": 1}


def test_commands_that_do_not_fit_a_narrow_port_are_told_apart() -> None:
    setup = Setup(contract("tx-checksum"), {"start": 8, "offset": 8, "enable": 1})
    assert setup.fits({"start": 255, "offset": 255, "enable": 1, "udp": 1})
    assert not setup.fits({"start": 255, "offset": 256, "enable": 1, "udp": 0})


def test_options_have_the_first_allowed_value_or_the_default() -> None:
    setup = Setup(contract("rx-checksum"), options={"byte_order": "little"})
    assert (setup.option("start"), setup.option("byte_order")) == (14, "little")
    assert Setup(contract("segment")).option("sums") == "kept"


def test_a_hash_type_that_a_block_does_not_do_becomes_the_next_less() -> None:
    setup = Setup(contract("rss-hash"), types={"ipv4": 1, "ipv4-tcp": 5, "ipv6-tcp": 6}, key=KEY)
    assert setup.does(HashKind.IPV4_TCP) == HashKind.IPV4_TCP
    assert setup.does(HashKind.IPV4_UDP) == HashKind.IPV4
    assert setup.does(HashKind.IPV6_UDP) == HashKind.NONE
    assert [setup.code(kind) for kind in (HashKind.NONE, HashKind.IPV4_TCP)] == [0, 5]


def test_without_types_a_hash_block_does_all_of_them_with_the_contracts_codes() -> None:
    setup = Setup(contract("rss-hash"), key=KEY)
    assert [setup.code(setup.does(kind)) for kind in HashKind] == list(range(7))


@pytest.mark.parametrize(("kind", "arguments", "sentence"), [
    ("tx-checksum", {"widths": {"start": 8, "enable": 1}}, "tx-checksum needs a port for offset: "),
    ("tx-checksum", {"widths": {"start": 17}}, "tx-checksum: start has 1 to 16 bits, not 17"),
    ("tx-checksum", {"widths": {"length": 8}}, "tx-checksum has no field 'length'; it has start, offset, enable, udp"),
    ("rx-checksum", {"options": {"byte_order": "middle"}}, "block.byte_order must be big or little, not 'middle'"),
    ("rx-checksum", {"options": {"start": "14"}}, "block.start must be a number from 0 up, not '14'"),
    ("segment", {"options": {"start": 3}}, "segment has no option 'start'"),
    ("rss-hash", {"key": KEY[1:]}, "rss-hash/fields needs a key of 40 bytes, not 39"),
    ("rss-hash", {"key": KEY, "types": {"tcp": 1}}, "block.types: 'tcp' is no type of hash; there is ipv4, "),
    ("rss-hash", {"key": KEY, "types": {"ipv4": 0}}, "block.types: the codes must differ from one another and from 0"),
])  # fmt: skip
def test_what_does_not_fit_the_contract_is_one_sentence(kind: str, arguments: Mapping[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match="^" + sentence.replace("(", r"\(")):
        Setup(contract(kind), **arguments)
