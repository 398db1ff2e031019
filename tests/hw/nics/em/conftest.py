"""Cards for the tests in this folder: every one is closed after its test, and a finding nobody asked for fails it."""

from __future__ import annotations

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


@pytest.fixture
def card(engine_kind: str) -> Iterator[Opener]:
    yield from _opener(engine_kind)


@pytest.fixture
def native() -> Iterator[Opener]:
    yield from _opener("native")
