from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ringbed.hw.formats.block_setup import BlockPorts, Setup, lanes_of
from ringbed.hw.formats.blocks import HashKind, contract
from ringbed.hw.formats.dut import Bus, BusKind, Keep

KEY = bytes(range(40))
FIELDS = {"src": 128, "dst": 128, "sport": 16, "dport": 16, "kind": 3, "hash": 32}


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
    assert Setup(contract("segment")).longest == 65_535
    assert Setup(contract("tx-checksum"), options={"longest": 2048}).longest == 2048
    assert Setup(contract("rss-hash", "fields"), key=KEY).longest == 0
    assert Setup(contract("rss-hash", "fields"), key=KEY).shortest == Setup(contract("segment")).shortest == 0
    assert Setup(contract("tx-checksum"), options={"shortest": 60}).shortest == 60
    assert [Setup(contract("rss-hash", "stream"), options=early, key=KEY).early for early in ({}, {"early": True})] == [
        False, True
    ]  # fmt: skip


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
    ("rss-hash", {"key": KEY, "types": {"ipv4": "1"}}, "block.types: the code of ipv4 must be a number, not '1'"),
    ("rss-hash", {"key": KEY, "widths": FIELDS | {"kind": 2}}, "block.types: ipv6, code 4, needs 3 bits of kind; its"),
    ("rss-hash", {"key": KEY, "widths": FIELDS | {"type": 2}}, "block.types: ipv6, code 4, needs 3 bits of type; its"),
    ("rss-hash", {"key": KEY, "widths": FIELDS | {"dst": 32}}, "block.types: ipv6, code 4, needs 128 bits of dst; its"),
    ("rss-hash", {"key": KEY, "widths": FIELDS | {"sport": 8}}, "block.types: ipv4-tcp, code 2, needs 16 bits of s"),
    ("rss-hash", {"key": KEY, "widths": FIELDS | {"hash": 16}}, "rss-hash/fields: hash has 32 bits, not 16"),
    ("rx-checksum", {"widths": {"sum": 8}}, "rx-checksum/sum: sum has 16 bits, not 8"),
    ("rx-checksum", {"options": {"start": True}}, "block.start must be a number from 0 up, not True"),
    ("rx-checksum", {"key": KEY}, "rx-checksum/sum has no key"),
    ("segment", {"types": {"ipv4": 1}}, "segment has no types"),
])  # fmt: skip
def test_what_does_not_fit_the_contract_is_one_sentence(kind: str, arguments: Mapping[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match="^" + sentence.replace("(", r"\(")):
        Setup(contract(kind), **arguments)


def test_a_block_of_ipv4_alone_has_narrow_addresses() -> None:
    narrow = FIELDS | {"src": 32, "dst": 32, "kind": 2}
    setup = Setup(contract("rss-hash"), narrow, types={"ipv4": 1, "ipv4-tcp": 3}, key=KEY)
    assert [setup.does(kind) for kind in (HashKind.IPV4_UDP, HashKind.IPV6_TCP)] == [HashKind.IPV4, HashKind.NONE]


@pytest.mark.parametrize(("kind", "ports", "sentence"), [
    ("rx-checksum", {"command_valid": "a", "command_ready": "b"}, "block.command: rx-checksum/sum has no command"),
    ("tx-checksum", {"result_valid": "a"}, "block.result: tx-checksum has no result, and no valid of one"),
    ("segment", {"key_port": "key"}, "block.key_port: segment has no key"),
    ("segment", {"command_ready": "a"}, "block.command: valid and ready go together"),
])  # fmt: skip
def test_ports_that_a_contract_has_not_are_refused(kind: str, ports: Mapping[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match="^" + sentence):
        BlockPorts(Setup(contract(kind)), **ports)


def wire(into: bool, width: int = 64, **more: Any) -> Bus:
    return Bus(BusKind.STREAM, width, into=into, **more)


@pytest.mark.parametrize(("kind", "rx", "tx", "lanes"), [
    ("tx-checksum", wire(True), wire(False), 8),
    ("tx-checksum", wire(True), wire(False, ready=False), 8),
    ("tx-checksum", wire(True, ready=False), wire(False, ready=False), 8),
    ("tx-checksum", wire(True, 8, keep=Keep.NONE), wire(False, 8, keep=Keep.EMPTY), 1),
    ("rx-checksum", wire(True, 512, ready=False), None, 64),
    ("rx-checksum", wire(True), wire(False), 8),
    ("rss-hash", None, None, 8),
])  # fmt: skip
def test_streams_that_fit(kind: str, rx: Bus | None, tx: Bus | None, lanes: int) -> None:
    assert lanes_of(contract(kind), rx, tx) == lanes


@pytest.mark.parametrize(("kind", "rx", "tx", "sentence"), [
    ("tx-checksum", wire(True), None, "tx-checksum has a stream out: wire.tx"),
    ("rss-hash", wire(True), None, "rss-hash/fields has no stream in: wire.rx"),
    ("tx-checksum", wire(True), wire(False, 32), "wire.rx and wire.tx of a block have one data_width, not 32 and 64"),
    ("tx-checksum", wire(True, keep=Keep.NONE), wire(False), "wire.rx.keep is none: a frame of any length needs keep"),
    ("tx-checksum", wire(True), wire(False, keep=Keep.NONE), "wire.tx.keep is none: a frame of any length needs keep"),
    ("tx-checksum", wire(True, ready=False), wire(False), "wire.tx.ready: behind a wire.rx without ready it is false"),
    ("segment", wire(True, ready=False), wire(False, ready=False), "wire.rx: segment needs a ready"),
    ("rx-checksum", wire(True), wire(False, ready=False), "wire.tx: frames that results follow need a ready"),
    ("rx-checksum", wire(True, ready=False), wire(False), "wire.rx: without a ready its frames cannot be held up"),
])  # fmt: skip
def test_streams_that_do_not_fit_are_one_sentence(kind: str, rx: Bus | None, tx: Bus | None, sentence: str) -> None:
    with pytest.raises(ValueError, match="^" + sentence):
        lanes_of(contract(kind), rx, tx)
