"""What the tests of guests stand on: fetched by the product's own code, left out only where nothing can be fetched."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable

import pytest
from rich.console import Console

from ringbed.cli.guest.ground import Ground, find_ground, is_there
from ringbed.sim.guest.apt import FetchFailed, mirror
from tests.conftest import INSISTS, LACKS

__all__ = ["excused", "fetched"]


def mirror_answers() -> bool:
    """Whether the mirror has what is fetched first: asked without a line of the product's fetch."""
    try:
        with urllib.request.urlopen(f"{mirror().rstrip('/')}/dists/trixie/InRelease", timeout=60) as answer:
            return len(answer.read()) > 1000
    except (OSError, ValueError, FetchFailed):
        return False


def fetched() -> Ground:
    """Without CI nobody asked for a download: such tests are for who has run `ringbed guest`. With CI set a test is
    left out only where a mirror cannot be reached, which is no part of a machine.
    """
    if not INSISTS and not is_there():
        pytest.skip(f"{LACKS}no QEMU and kernel for a guest are kept (`ringbed guest` keeps them)")
    return excused(lambda: find_ground(None, None, Console(stderr=True)), mirror_answers)


def excused(find: Callable[[], Ground], answers: Callable[[], bool]) -> Ground:
    """A mirror that answers while the fetch fails is no excuse."""
    try:
        return find()
    except FetchFailed as why:
        if answers():
            pytest.fail(f"the mirror answers, and yet: {why}")
        pytest.skip(f"{LACKS}{why}")
