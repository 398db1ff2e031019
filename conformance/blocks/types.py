"""The codes that a block has for what it hashed, where its map has no `types`: told in one sentence, then gone by.

What a code means shows in the hash beside it. A block whose codes are not the contract's would else have a finding for
every packet, and the one that matters is that its map lacks a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ringbed.conformance.blocks.case import BlockUnderTest, Finding
from ringbed.conformance.blocks.rss_hash import any_flows
from ringbed.conformance.references.anatomy import dissect
from ringbed.conformance.references.toeplitz import flow_of
from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.blocks import HashKind

__all__ = ["CODES", "own_codes"]

CODES = "codes of types"


def own_codes(block: BlockUnderTest, setup: Setup, seed: int) -> tuple[Setup, Finding | None]:
    """`setup` with the codes that `block` turns out to have, and the finding that says so.

    As it was, and None, of a contract without frames and types, of a map that has them, of a block that has the
    contract's codes or, of which no table can be made, gives one code for two of them.
    """
    if setup.types or "type" not in setup.ports or not setup.contract.stream_in or not setup.contract.key:
        return setup, None
    types = _seen(block, setup, seed)
    if not types or types == setup.codes or len({*types.values(), 0}) <= len(types):
        return setup, None
    table = ", ".join(f"{word} = {code}" for word, code in types.items())
    words = (
        f"its codes are not 1 to 6: [block] wants a line types = {{ {table} }}; the rest is asked as if it were there"
    )
    return replace(setup, types=types), Finding(CODES, seed, 0, "no types in the map", words, "", "", b"", {})


def _seen(block: BlockUnderTest, setup: Setup, seed: int) -> Mapping[str, int]:
    """The code that came with the hashes of each kind, where there was one alone."""
    asks = any_flows(seed)
    found = dict[HashKind, set[int]]()
    for ask, result in zip(asks, block(asks).results, strict=False):
        flow = flow_of(ask.frame, dissect(ask.frame))
        for kind in dict.fromkeys((flow.kind, flow.kind.without_ports)) if flow else ():
            if flow and result["hash"] == flow.hash(setup.key, kind):
                found.setdefault(kind, set()).add(result["type"])
    return {kind.word: codes.pop() for kind, codes in sorted(found.items()) if len(codes) == 1}
