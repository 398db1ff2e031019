"""Batches, what is asked again alone, and whose a finding is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import pytest

from ringbed.conformance.nic.case import BrokenSuite, Case, Difference, Plan, Rule
from ringbed.conformance.nic.claims import EM
from ringbed.conformance.nic.found import End, Outcome
from ringbed.conformance.nic.run import BATCH, Suite, batches
from ringbed.conformance.nic.target import Arrival, Offer, Received, Setup
from ringbed.sim.testbed.offer import AttachError
from tests.conformance.nic.fake import FakeNic

RULE = Rule("csum.plain.test", "It leaves as it was given", "nobody")


def frame(number: int) -> bytes:
    return bytes(12) + b"\x88\xb5" + number.to_bytes(2, "big") + bytes(60)


def sending(number: int, setup: Setup | None = None) -> Case:
    data = frame(number)
    made = Plan((Offer((data,)),), ((data,),))
    return Case(f"csum.plain.{number}", RULE, lambda rng: made, setup or Setup())


def number_of(data: bytes) -> int:
    return int.from_bytes(data[14:16], "big")


def asked(nic: FakeNic, cases: Sequence[Case]) -> dict[str, Outcome]:
    return {each.case.id: each for each in Suite(nic, EM, 1).ask(0, cases)}


def without(*numbers: int) -> Callable[[Offer, bytes], Sequence[bytes]]:
    return lambda offer, data: () if number_of(data) in numbers else (data,)


def test_all_hold_on_a_nic_that_is_right_and_one_card_is_opened() -> None:
    nic = FakeNic()
    assert {each.end for each in asked(nic, [sending(n) for n in range(9)]).values()} == {End.HOLDS}
    assert len(nic.opened) == 1


def test_a_case_that_fails_has_the_finding_and_the_others_hold() -> None:
    found = asked(FakeNic(on_wire=without(4)), [sending(n) for n in range(9)])
    assert [each for each, outcome in found.items() if outcome.findings] == ["csum.plain.4"]
    (finding,) = found["csum.plain.4"].findings
    assert str(finding) == "the frame never came out"
    assert finding.behind == ""


def test_a_frame_too_many_is_the_finding_of_the_case_that_it_came_behind() -> None:
    found = asked(
        FakeNic(on_wire=lambda offer, data: (data, frame(99)) if number_of(data) == 3 else (data,)),
        [sending(n) for n in range(6)],
    )
    assert [each for each, outcome in found.items() if outcome.findings] == ["csum.plain.3"]
    assert "76 bytes left" in str(found["csum.plain.3"].findings[0])


def test_what_fails_behind_another_alone_names_it() -> None:
    """A frame is changed behind frame 2, whichever it is."""
    last: list[int] = []

    def sent(offer: Offer, data: bytes) -> Sequence[bytes]:
        before, last[:] = list(last), [number_of(data)]
        return (data[:-1] + b"\1",) if before == [2] else (data,)

    class Fresh(FakeNic):
        def __call__(self, setup: Setup) -> FakeNic:
            last.clear()
            return super().__call__(setup)

    found = asked(Fresh(on_wire=sent), [sending(n) for n in range(6)])
    assert [each for each, outcome in found.items() if outcome.findings] == ["csum.plain.3"]
    (finding,) = found["csum.plain.3"].findings
    assert finding.behind == "behind csum.plain.2"
    assert "asked alone it holds, behind csum.plain.2 it does not" in str(finding)


def test_what_fails_only_in_its_batch_says_so() -> None:
    count: list[int] = []

    def sent(offer: Offer, data: bytes) -> Sequence[bytes]:
        count.append(1)
        return () if len(count) == 5 else (data,)

    class Fresh(FakeNic):
        def __call__(self, setup: Setup) -> FakeNic:
            count.clear()
            return super().__call__(setup)

    found = asked(Fresh(on_wire=sent), [sending(n) for n in range(8)])
    assert [each for each, outcome in found.items() if outcome.findings] == ["csum.plain.4"]
    assert found["csum.plain.4"].findings[0].behind == "in its batch of 8, which begins with csum.plain.0,"


def test_what_another_case_of_the_batch_breaks_is_not_its_finding() -> None:
    """Frame 2 stops the card: nothing behind it leaves, and that is no case's fault but its own."""
    stuck: list[int] = []

    def sent(offer: Offer, data: bytes) -> Sequence[bytes]:
        if number_of(data) == 2:
            stuck.append(1)
        return () if stuck else (data,)

    class Fresh(FakeNic):
        def __call__(self, setup: Setup) -> FakeNic:
            stuck.clear()
            return super().__call__(setup)

    found = asked(Fresh(on_wire=sent), [sending(n) for n in range(6)])
    assert [each for each, outcome in found.items() if outcome.findings] == ["csum.plain.2"]


def test_what_no_nic_may_do_is_a_finding_of_the_case_that_makes_it() -> None:
    class Strays(FakeNic):
        def __call__(self, setup: Setup) -> FakeNic:
            return Strays(setup)

        def send(self, offers: Sequence[Offer]) -> list[bytes]:
            self.said += ["a stray access" for each in offers if number_of(each.data) == 3]
            return super().send(offers)

    found = asked(Strays(), [sending(n) for n in range(5)])
    assert [each for each, outcome in found.items() if outcome.findings] == ["csum.plain.3"]
    assert str(found["csum.plain.3"].findings[0]) == "a stray access"


def test_what_no_nic_may_do_in_a_batch_alone_is_told_of_the_batch() -> None:
    class Crowded(FakeNic):
        def send(self, offers: Sequence[Offer]) -> list[bytes]:
            if len(offers) > 3:
                self.said.append("too many at once")
            return super().send(offers)

        def __call__(self, setup: Setup) -> FakeNic:
            return Crowded(setup)

    found = asked(Crowded(), [sending(n) for n in range(5)])
    assert [each for each, outcome in found.items() if outcome.findings] == ["csum.plain.0"]
    assert found["csum.plain.0"].findings[0].behind.startswith("in its batch of 5")


def test_what_a_nic_does_not_claim_is_not_asked() -> None:
    def never(rng: Random) -> Plan:
        raise AssertionError("it was asked")

    nic = FakeNic()
    (outcome,) = asked(nic, [Case("csum.plain.x", RULE, never, needs=("tx.sctp",))]).values()
    assert outcome.end is End.NOT_APPLICABLE
    assert outcome.why.startswith("em does not claim that it puts in SCTP's CRC32c: ")
    assert nic.opened == []


def test_a_card_that_does_not_come_up_is_a_finding() -> None:
    def opener(setup: Setup) -> FakeNic:
        raise AttachError("em0: the card does not leave reset")

    (outcome,) = Suite(opener, EM, 1).ask(0, [sending(1)])
    assert "not there: em0: the card does not leave reset" in str(outcome.findings[0])


def test_a_broken_suite_is_nobodys_finding() -> None:
    def broken(rng: Random) -> Plan:
        raise BrokenSuite("they differ")

    with pytest.raises(BrokenSuite, match="they differ"):
        asked(FakeNic(), [Case("csum.plain.x", RULE, broken)])


def test_received_frames_are_compared_with_verdict_and_sum() -> None:
    from ringbed.conformance.nic.case import Coming
    from ringbed.hw.formats.verdict import Verdict

    data = frame(7)
    coming = Coming(data, Verdict.L3_GOOD, 0x1234, None, True)
    case = Case("csum.rx.x", RULE, lambda rng: Plan(arrivals=(Arrival(data),), comes=(coming,)))
    right = EM.oracle(data)
    wrong = FakeNic(to_host=lambda got: (Received(got.data, Verdict.L4_BAD, right.checksum, 5),))
    found = asked(wrong, [case])
    said = [str(each) for each in found["csum.rx.x"].findings]
    assert said == [
        "the verdict on the IPv4 header is not checked, must be good",
        "the verdict on TCP or UDP is bad, must be not checked",
        f"the packet checksum is {right.checksum:#06x}, must be 0x1234",
        "the tag taken out is 0x0005, must be none",
    ]


def test_a_script_acts_and_its_differences_are_the_cases() -> None:
    told = Difference("it", "1", "2")
    case = Case("ring.x", Rule("ring.x", "", ""), lambda rng: Plan(script=lambda nic: iter([told])), scripted=True)
    (outcome,) = asked(FakeNic(), [case]).values()
    assert [str(each) for each in outcome.findings] == ["it is 2, must be 1"]


def test_batches_are_cut_from_the_whole_table_by_the_seed() -> None:
    cases = [sending(n, setup=Setup(mtu=1500 if n % 3 else 9000)) for n in range(3 * BATCH)]
    cut = batches(cases, 1)
    assert sorted(case.id for batch in cut for case in batch.cases) == sorted(case.id for case in cases)
    assert [len(batch.cases) for batch in cut] == [BATCH, BATCH, BATCH]
    assert all(len({case.setup for case in batch.cases}) == 1 for batch in cut)
    assert batches(cases, 1) == cut
    assert batches(cases, 2) != cut


def test_a_filter_leaves_the_others_in_their_batch_and_order() -> None:
    cases = [sending(n) for n in range(20)]
    whole = [each.case.id for each in Suite(FakeNic(), EM, 1).run(cases, {case.id for case in cases})]
    some = {case.id for case in cases[::3]}
    assert [each.case.id for each in Suite(FakeNic(), EM, 1).run(cases, some)] == [
        each for each in whole if each in some
    ]


def test_the_same_seed_makes_the_same_frames_and_another_makes_others() -> None:
    case = Case("csum.plain.x", RULE, lambda rng: Plan((Offer((rng.randbytes(60),)),)))
    assert case.plan(1) == case.plan(1)
    assert case.plan(1) != case.plan(2)
