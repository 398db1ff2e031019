"""A table of rules, by id."""

from __future__ import annotations

from ringbed.conformance.nic.case import Rule

__all__ = ["rules"]


def rules(*rows: tuple[str, str, str]) -> dict[str, Rule]:
    """Of (id, sentence, source)."""
    return {row[0]: Rule(*row) for row in rows}
