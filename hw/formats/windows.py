"""Which cards count frames themselves, by name: what a port map's `peek.counts` may say."""

from __future__ import annotations

from ringbed.hw.formats import em
from ringbed.hw.formats.window import Window

__all__ = ["WINDOWS"]

WINDOWS: dict[str, Window] = {"em": em.WINDOW}
