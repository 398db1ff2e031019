"""Which blocks of a card are mutated, and how many clocks of theirs a proof looks through."""

from __future__ import annotations

__all__ = ["FRAME", "LATENCY", "clocks_of"]

FRAME = 8  # clocks of the shortest frame, 64 bytes with its FCS, on a data path of 64 bits

# Clocks from what comes in last to what comes out for it, as each block's docstring says; where it waits for others,
# with answers that come at once.
LATENCY: dict[str, dict[str, int]] = {
    "em": {
        "parse": 3,
        "checksum_rx": 3,
        "checksum_tx": 3,
        "rx_filter": 1,
        "segment": 27,  # the shortest header of a message, 7 beats, and 20 to edit it
        "completion": 8,  # in, ready, asked for, two beats, answered, done
        "ring_fetch": 20,  # asked for, a line of 16 beats, out
        "ring": 28,  # the two before
        "rx_place": 2,
        "ring_tx": 2,
    },
}


def clocks_of(nic: str, block: str) -> int:
    """The block's latency and two shortest frames. Raises KeyError for a block that is not in the table."""
    return LATENCY[nic][block] + 2 * FRAME
