"""What a recording says of its card: written, read back, compared, and refused where it makes no sense."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from ringbed.sim.record.header import Header, header_of
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.settings import Settings
from tests.sim.conftest import needs_native
from tests.sim.record.encode import HEADER
from tests.sim.toy import pins_spec, toy_spec

SETTINGS = Settings(
    read_latency=7, irq_hold=3, link_bps=10**9, seed=5, backpressure=0.25, plusargs=("verbose",), skip_idle=False,
    frequency=Frequency(Fraction(10**9, 3)), reset_clocks=4,
)  # fmt: skip


@pytest.mark.parametrize("settings", [Settings(), SETTINGS])
def test_it_is_read_as_it_was_written(settings: Settings) -> None:
    header = replace(HEADER, settings=settings)
    assert Header.parse(header.text().encode()) == header


@needs_native
def test_one_card_has_one_header_and_another_card_another() -> None:
    toy, again, pins = (header_of(spec, Settings()) for spec in (toy_spec(), toy_spec(), pins_spec()))
    assert toy == again
    assert toy.differences(again) == []
    assert (toy.nic, toy.pins, len(toy.rtl), len(toy.harness)) == ("toy", ("invert", "seen"), 64, 64)
    assert toy.rtl != pins.rtl
    said = pins.differences(toy)
    assert said[0] == "the card is 'toy', here 'pins'"
    assert said[-1] == f"the RTL is another (digest {toy.rtl[:12]}, here {pins.rtl[:12]})"


def test_what_differs_is_said() -> None:
    assert HEADER.differences(HEADER) == []
    assert HEADER.differences(replace(HEADER, ringbed="9.9", settings=SETTINGS)) == [
        "it was recorded by ringbed '9.9', here '0.0'"
    ]
    assert HEADER.differences(replace(HEADER, harness="56" * 32, params="[1]")) == [
        "its parameters are '[1]', here '[]'", "what is around it is another (digest 565656565656, here 343434343434)",
    ]  # fmt: skip


def changed(**values: Any) -> bytes:
    return json.dumps(json.loads(HEADER.text()) | values).encode()


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{}", b"[1]", b"\xff", b"[" * 100_000, changed(more=1), changed(rtl=1), changed(pins="invert"),
        changed(pins=[1]), changed(settings=[]), changed(settings={}), changed(settings={"frequency": 125}),
        changed(settings={"frequency": "1e999999999"}), changed(settings={"frequency": "0"}),
        changed(settings={"frequency": "1/0"}), changed(settings={"frequency": "1", "seed": "x"}),
        changed(settings={"frequency": "1", "none": 1}),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Header.parse(text)
