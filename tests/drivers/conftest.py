"""Live cards, by the engine: what a test opens is closed after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.drivers.live import ENGINES, Live, Opener


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.qemu) if name == "qemu" else name for name in ENGINES])
def live(request: pytest.FixtureRequest) -> Iterator[Opener]:
    opened: list[Live] = []

    def open_one(**options: Any) -> Live:
        opened.append(Live(request.param, **options))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()
