"""Cards for the tests in this folder: every one is closed after its test, and a finding nobody asked for fails it.

Each of these tests runs on native. On pysim, where a card takes seconds to open, one in six does, by its name, and all
do with `full`: what pysim could see that native does not is a fault of a tool between the two.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hw.nics.em.bench import Card, Opener


@pytest.fixture(params=["native", "pysim"])
def engine_kind(request: pytest.FixtureRequest) -> str:
    """For tests of a few frames; sweeps take `native` instead."""
    return str(request.param)


def _opener(kind: str) -> Iterator[Opener]:
    cards: list[Card] = []

    def open_one(**options: Any) -> Card:
        cards.append(Card(kind, **options))
        return cards[-1]

    yield open_one
    for card in cards:
        card.close()


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        call = getattr(item, "callspec", None)
        if call is not None and call.params.get("engine_kind") == "pysim" and zlib.crc32(item.name.encode()) % 6:
            item.add_marker(pytest.mark.full)


@pytest.fixture
def card(engine_kind: str) -> Iterator[Opener]:
    yield from _opener(engine_kind)


@pytest.fixture
def native() -> Iterator[Opener]:
    yield from _opener("native")
