"""What came of a batch of cases against what must: each difference is of a case, what nobody asked for too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ringbed.conformance.nic.case import Coming, Difference, Plan
from ringbed.conformance.nic.fields import differing
from ringbed.conformance.nic.target import Received
from ringbed.conformance.references.matched import matched
from ringbed.sim.wire.frame import pad

__all__ = ["received", "sent"]

Told = tuple[int, Difference]  # of which case of the batch


def sent(plans: Sequence[Plan], left: Sequence[bytes]) -> Iterator[Told]:
    """Frames that left the card."""
    wanted = [(at, tuple(pad(each) for each in right)) for at, plan in enumerate(plans) for right in plan.leaves]
    for index, of, to in matched([right for _, right in wanted], left):
        if of is None and to is not None:
            yield _owner(wanted, index), _extra(left[to], "left")
        elif of is not None:
            at, rights = wanted[of]
            which = _which(wanted, of)
            if to is None:
                yield at, Difference(which, "sent", "lost", rights[0])
            elif left[to] not in rights:
                yield at, _changed(which, rights[0], left[to])


def received(plans: Sequence[Plan], came: Sequence[Received]) -> Iterator[Told]:
    """Frames that came to the host, with what the card says of them."""
    wanted = [(at, coming) for at, plan in enumerate(plans) for coming in plan.comes]
    rights = [(coming.data,) for _, coming in wanted]
    pairs = list(matched(rights, [each.data for each in came]))
    pairs = pairs or [(n, n, n) for n in range(len(wanted))]
    for index, of, to in pairs:
        if of is None and to is not None:
            yield _owner(wanted, index), _extra(came[to].data, "came")
        elif of is not None and to is None:
            yield wanted[of][0], Difference(_which(wanted, of), "handed on", "lost", wanted[of][1].data)
        elif of is not None and to is not None:
            at, coming = wanted[of]
            yield from ((at, each) for each in _of_one(_which(wanted, of), coming, came[to]))


def _of_one(which: str, coming: Coming, got: Received) -> Iterator[Difference]:
    if got.data != coming.data:
        yield _changed(which, coming.data, got.data)
        return
    rows: list[tuple[str, str, str]] = []
    if coming.verdict is not None:
        rows.append(("the verdict on the IPv4 header", coming.verdict.l3, got.verdict.l3))
        rows.append(("the verdict on TCP or UDP", coming.verdict.l4, got.verdict.l4))
    if coming.checksum is not None:
        rows.append(("the packet checksum", f"{coming.checksum:#06x}", f"{got.checksum:#06x}"))
    if coming.tagged:
        rows.append(("the tag taken out", _tag(coming.vlan), _tag(got.vlan)))
    for what, must, is_ in rows:
        if must != is_:
            yield Difference(what, must, is_, coming.data, got.data)


def _tag(vlan: int | None) -> str:
    return "none" if vlan is None else f"{vlan:#06x}"


def _owner(wanted: Sequence[tuple[int, object]], index: int) -> int:
    """The case in whose place a frame too many came: the one of the frame before it."""
    return wanted[min(max(index - 1, 0), len(wanted) - 1)][0] if wanted else 0


def _which(wanted: Sequence[tuple[int, object]], of: int) -> str:
    """Of a case of several frames, which one."""
    own = [n for n, (at, _) in enumerate(wanted) if at == wanted[of][0]]
    return f"frame {of - own[0] + 1} of {len(own)}" if len(own) > 1 else "the frame"


def _extra(data: bytes, came: str) -> Difference:
    return Difference("a frame too many", "nothing", f"{len(data)} bytes {came}", b"", data)


def _changed(which: str, right: bytes, got: bytes) -> Difference:
    """Named by the fields that differ."""
    fields = differing(right, got)
    first = fields[0]
    more = f", and {len(fields) - 1} more" if len(fields) > 1 else ""
    return Difference(f"{which}: {first.name}{more}", first.expected, first.got, right, got)
