"""Suites that act step by step: on the card each rule holds, and each fails on a NIC that lies about what it asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest

from ringbed.conformance.nic.case import Case
from ringbed.conformance.nic.claims import EM
from ringbed.conformance.nic.em import em_opener
from ringbed.conformance.nic.over_host import HostNic
from ringbed.conformance.nic.table import table
from ringbed.conformance.nic.target import Arrival, Offer, Received, Setup

pytestmark = pytest.mark.needs("native")


class Deaf(HostNic):
    """Nothing comes to the host."""

    def came(self) -> list[Received]:
        super().came()
        return []


class Curious(HostNic):
    """Takes everything, whatever is wanted, and mends an FCS on the way."""

    def set_filter(
        self, *, promiscuous: bool = False, all_multicast: bool = False, groups: Sequence[bytes] = (),
        vlans: Sequence[int] = (),
    ) -> None:  # fmt: skip
        super().set_filter(promiscuous=True)

    def arrive(self, arrival: Arrival) -> None:
        super().arrive(Arrival(arrival.data))


class Miscounts(HostNic):
    """Each look at the statistics counts."""

    looks = 0

    def statistics(self) -> Mapping[str, int]:
        self.looks += 1
        return {name: value + self.looks for name, value in super().statistics().items()}


class Noisy(HostNic):
    """More interrupts than there are."""

    heard = 0

    def interrupts(self) -> int:
        self.heard += 1000
        return super().interrupts() + self.heard


class Hasty(HostNic):
    """Moderates nothing."""

    def set_moderation(self, **usecs: int) -> None:
        super().set_moderation()


class Forgets(HostNic):
    """The last frame of each look is lost."""

    def left(self) -> list[bytes]:
        return super().left()[:-1]


class Exchanges(HostNic):
    """Two frames in the wrong order, each way."""

    def left(self) -> list[bytes]:
        left = super().left()
        return [*left[1::-1], *left[2:]]

    def came(self) -> list[Received]:
        came = super().came()
        return [*came[1::-1], *came[2:]]


LIARS = (Deaf, Curious, Miscounts, Noisy, Hasty, Forgets, Exchanges)
SUITES = {"filters": "filt", "counters": "count", "rings": "ring", "interrupts": "irq"}


def one_of_each_rule(suite: str) -> list[Case]:
    """The last case of each, which most often asks most."""
    return list({case.rule.id: case for case in table(EM) if case.suite == suite}.values())


def wrong(kind: type[HostNic], cases: Sequence[Case]) -> Iterator[str]:
    """The rules that do not hold, asked one behind the other on one card."""
    opened = em_opener()(Setup(promiscuous=False))
    opened.__class__ = kind
    try:
        for case in cases:
            script = case.plan(5).script
            assert script is not None
            if [*script(opened), *opened.wrongs()]:
                yield case.rule.id
    finally:
        opened.close()


@pytest.mark.parametrize("suite", SUITES)
def test_each_rule_holds_on_the_card_and_fails_on_a_liar(suite: str) -> None:
    cases = one_of_each_rule(suite)
    assert len(cases) >= 10
    assert set(wrong(HostNic, cases)) == set()
    caught = {rule for kind in LIARS for rule in wrong(kind, cases)}
    assert {case.rule.id for case in cases} - caught == set()


def test_a_liar_breaks_the_rules_that_it_is_about_and_no_others() -> None:
    filters = one_of_each_rule("filters")
    assert set(wrong(Curious, filters)) == {
        "filt.other", "filt.bit", "filt.group-bit", "filt.group-off", "filt.all-multicast-other",
        "filt.promiscuous-off", "filt.bad-fcs", "filt.vlan-bit", "filt.vlan-other",
    }  # fmt: skip
    assert set(wrong(Miscounts, filters)) == set()
    interrupts = one_of_each_rule("interrupts")
    assert set(wrong(Noisy, interrupts)) == {
        "irq.tx", "irq.none", "irq.once", "irq.delay-company", "irq.rate",
    }  # fmt: skip


def test_offers_taken_without_waiting_are_those_that_the_ring_holds() -> None:
    nic = em_opener()(Setup(tx_ring=16))
    try:
        frames = [bytes(12) + b"\x88\xb5" + bytes([n]) * 60 for n in range(40)]
        taken = nic.offer([Offer((each,)) for each in frames])
        assert 0 < taken < 16
        nic.rest()
        assert nic.left() == frames[:taken]
    finally:
        nic.close()
