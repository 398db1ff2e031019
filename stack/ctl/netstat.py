"""`netstat -ss`: counters that are not zero, in the words of seed 000. Two of these, before and after, are diffed."""

from __future__ import annotations

from ringbed.stack.stack import Stack


def netstat_ss(stack: Stack) -> str:
    """One block a protocol; a protocol with nothing to say is left out."""
    blocks = []
    for group in stack.stats.groups():
        lines = [f"\t{counter}" for counter in group.counters if counter.value]
        if lines:
            blocks.append("\n".join([f"{group.title}:", *lines]))
    return "\n".join(blocks)
