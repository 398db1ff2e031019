"""Counters: one per cause, named by the line that `netstat` prints, counted where it happens.

A counter is an object so that a drop can be handed its reason: `packet.drop(stats.ips_badsum)`. From a printed line
to its counter is a search for the text, from the counter to the line that counts it a search for its name.

Any thread counts, without a lock: `counter.value += n` is one step of CPython's, which lets another thread run where
a function is called or a loop goes round, and there only. So nothing is called on the right of a `+=`, and a test
looks.
"""

from __future__ import annotations


class Counter:
    """`text` has `{s}` where the plural goes. `is_drop` marks a cause for which a packet ended here."""

    __slots__ = ("is_drop", "text", "value")

    def __init__(self, text: str, is_drop: bool = False) -> None:
        self.text = text
        self.value = 0
        self.is_drop = is_drop

    def __str__(self) -> str:
        return f"{self.value} {self.text.format(s='' if self.value == 1 else 's')}"


class Group:
    """The counters of one protocol or one queue, in the order they are printed."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.counters: list[Counter] = []

    def counter(self, text: str) -> Counter:
        made = Counter(text)
        self.counters.append(made)
        return made

    def drop(self, text: str) -> Counter:
        made = Counter(text, is_drop=True)
        self.counters.append(made)
        return made

    def drops(self) -> dict[str, int]:
        """Causes for which packets ended here, only those that happened: text -> packets."""
        return {c.text.format(s="s"): c.value for c in self.counters if c.is_drop and c.value}
