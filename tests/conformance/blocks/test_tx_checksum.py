from __future__ import annotations

import pytest

from ringbed.conformance.blocks.run import Amount, questions
from ringbed.conformance.blocks.tx_checksum import cases
from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.blocks import contract


def test_starts_and_fields_are_on_both_sides_of_every_limit_of_a_narrow_port() -> None:
    commands = [case.ask.command for case in cases("late starts", 1, Setup(contract("tx-checksum")))]
    assert len(commands) <= Amount.QUICK.value
    for limit in (2048, 4096, 8192, 16384, 32768):
        assert {limit - 2, limit - 1, limit, limit + 1} <= {command["start"] for command in commands}
        assert [command for command in commands if command["start"] < 1000 and command["offset"] in (limit, limit + 1)]


def test_a_port_of_11_bits_is_asked_no_start_beyond() -> None:
    narrow = Setup(contract("tx-checksum"), {"start": 11, "offset": 16, "enable": 1})
    starts = [case.ask.command["start"] for case in cases("late starts", 1, narrow)]
    assert starts
    assert max(starts) < 2048


@pytest.mark.parametrize("lanes", [1, 2, 8, 64])
def test_the_field_is_at_every_byte_of_a_beat_whatever_is_behind_it(lanes: int) -> None:
    asked = questions(Setup(contract("tx-checksum"), lanes=lanes), kinds=["every place"])["every place"]
    for ends in (True, False):
        places = {case.ask.command["offset"] % lanes for case in asked
                  if ends == (case.ask.command["offset"] + 2 == len(case.ask.frame))}  # fmt: skip
        assert places == set(range(lanes))
    assert {(case.ask.command["offset"] - case.ask.command["start"]) % 2 for case in asked} == {0}
