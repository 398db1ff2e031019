"""docs/blocks.md names every field, option and variant of every contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbed.hw.formats.blocks import CONTRACTS, Contract, HashKind
from tests.conformance.blocks.models import BUGS

PAGE = (Path(__file__).parent.parent / "docs" / "blocks.md").read_text(encoding="utf-8")
COMMON = PAGE.partition("\n## `")[0]  # what holds for all of them


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_every_word_of_a_contract_is_on_the_page(contract: Contract) -> None:
    section = COMMON + PAGE.partition(f"\n## `{contract.block}`\n")[2].partition("\n## ")[0]
    words = [field.name for layout in (contract.command, contract.result) if layout for field in layout.fields]
    assert section != COMMON
    words += [option.name for option in contract.options]
    words += [value for option in contract.options for value in option.allowed]
    assert [word for word in words if f"`{word}`" not in section and f'"{word}"' not in section] == []
    assert contract.variant in section


def test_every_type_of_hash_is_on_the_page_and_the_bugs_are_counted() -> None:
    assert [kind.word for kind in HashKind if kind and f"`{kind.word}`" not in PAGE] == []
    assert f"{len(BUGS)} bugs, most of which" in PAGE
