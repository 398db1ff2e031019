from __future__ import annotations

import pytest

from ringbed.hw.formats.blocks import CONTRACTS, KEY_BITS, Block, HashKind, contract, lead


def test_every_kind_has_a_contract_and_no_two_have_one_name() -> None:
    assert {each.block for each in CONTRACTS} == set(Block)
    assert len({each.name for each in CONTRACTS}) == len(CONTRACTS)


def test_optional_fields_are_fields_and_every_field_says_what_it_is() -> None:
    for each in CONTRACTS:
        fields = [field for layout in (each.command, each.result) if layout for field in layout.fields]
        assert each.optional <= {field.name for field in fields}
        assert all(field.doc for field in fields)
        assert each.stream_in or each.command, f"{each.name} would be asked nothing"
        assert each.stream_out or each.result, f"{each.name} would answer nothing"


def test_layouts_have_no_bytes_to_spare() -> None:
    for each in CONTRACTS:
        for layout in filter(None, (each.command, each.result)):
            assert 0 <= layout.bits - sum(field.width for field in layout.fields) < 8, layout.name


def test_a_contract_is_found_by_kind_and_variant_the_first_being_meant_without() -> None:
    assert contract("rx-checksum").variant == "sum"
    assert contract("rx-checksum", "verdict").name == "rx-checksum/verdict"
    assert contract("segment").name == "segment"


NAMES = "tx-checksum, rx-checksum/sum, rx-checksum/verdict, rss-hash/fields, rss-hash/stream, segment, pass-through"


@pytest.mark.parametrize(("kind", "variant", "sentence"), [
    ("crc", "", f"there is no kind of block 'crc'; there is {NAMES}"),
    ("rx-checksum", "raw", "rx-checksum has no variant 'raw'; it has sum, verdict"),
    ("segment", "raw", "segment has no variant 'raw'; it has none"),
])  # fmt: skip
def test_what_there_is_not_is_refused_by_name(kind: str, variant: str, sentence: str) -> None:
    with pytest.raises(ValueError, match="^" + sentence + "$"):
        contract(kind, variant)


@pytest.mark.parametrize(("lanes", "size"), [(1, 5), (4, 8), (8, 8), (64, 64)])
def test_a_command_takes_whole_beats(lanes: int, size: int) -> None:
    command = contract("tx-checksum").command
    assert command is not None
    data = lead(command, lanes, {"start": 34, "offset": 40, "enable": 1})
    assert (len(data), data[:5]) == (size, b"\x22\x00\x28\x00\x01")
    assert not any(data[5:])


def test_an_ipv6_packet_with_ports_uses_all_of_the_key_but_one_bit() -> None:
    assert KEY_BITS == 2 * 128 + 2 * 16 + 32  # each of 288 bits of input takes 32 of the key: 319 of them are used


def test_hash_kinds_without_ports() -> None:
    assert [kind.without_ports.word for kind in HashKind] == ["none"] + ["ipv4"] * 3 + ["ipv6"] * 3
