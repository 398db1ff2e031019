"""What wrong cases have in common: the trait of the bug is named, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ringbed.conformance.blocks.case import Ask, Case
from ringbed.conformance.blocks.common import in_common, traits
from ringbed.conformance.blocks.run import Amount, ask, questions
from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.blocks import contract
from tests.conformance.blocks.models import TxChecksum

SETUP = Setup(contract("tx-checksum"))


class Spoiled(TxChecksum):
    """Right, but for the frames of one trait."""

    trait = ""

    def one(self, frame: bytes, order: Mapping[str, int]) -> bytes:
        spoiled = self.trait in traits(Case("", Ask(frame, order)))
        return bytes(len(frame)) if spoiled else super().one(frame, order)


@pytest.mark.parametrize(
    "trait", ["an odd length", "an odd number of bytes from start on", "udp = 1", "a length over 512", "an odd start"]
)
def test_the_trait_of_the_bug_is_named_first(trait: str) -> None:
    cases = questions(SETUP, 1, Amount.QUICK)
    block = Spoiled()
    block.trait = trait
    report = ask(block, SETUP, cases, 1)
    assert report.findings
    assert in_common(cases, report)[0].startswith(f"{trait} (")


def test_a_right_block_has_nothing() -> None:
    cases = questions(SETUP, 1, Amount.QUICK)
    assert in_common(cases, ask(TxChecksum(""), SETUP, cases, 1)) == []
