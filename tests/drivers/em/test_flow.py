"""Flow control: what two PHYs agree on, against the standard's table row by row, and the registers."""

from __future__ import annotations

from itertools import product

import pytest

from ringbed.drivers.em.flow import advertisement, resolve, thresholds
from ringbed.drivers.em.hardware import Mii
from ringbed.drivers.ethtool import Pause
from ringbed.hw.formats import em
from tests.drivers.bench import Bench

CTRL = em.REGISTERS["CTRL"]
NONE, BOTH, OBEY, SEND = (False, False), (True, True), (True, False), (False, True)


def bits(pause: int, asymmetric: int) -> int:
    return pause * 1 << 10 | asymmetric * 1 << 11


@pytest.mark.parametrize(
    ("ours", "partners", "agreed"),
    [  # IEEE 802.3 Table 28B-3: local PAUSE, ASM_DIR; partner's; local resolution
        ((0, 0), None, NONE), ((0, 1), (0, None), NONE), ((0, 1), (1, 0), NONE), ((0, 1), (1, 1), SEND),
        ((1, 0), (0, None), NONE), ((1, None), (1, None), BOTH), ((1, 1), (0, 0), NONE), ((1, 1), (0, 1), OBEY),
    ],
)  # fmt: skip
def test_resolution_is_the_standards_table(ours: tuple[int, ...], partners: object, agreed: tuple[bool, bool]) -> None:
    """A None in the table is 'does not matter'."""

    def all_of(given: object) -> list[int]:
        pair = given if isinstance(given, tuple) else (None, None)
        return [bits(*values) for values in product(*((0, 1) if bit is None else (bit,) for bit in pair))]

    for mine, theirs in product(all_of(ours), all_of(partners)):
        assert resolve(mine, theirs) == agreed


def test_what_is_advertised_gets_what_was_wanted_from_a_willing_partner() -> None:
    """Table 28B-2. 'rx alone' is advertised as both, asymmetric: a symmetric partner makes it both."""
    assert [advertisement(*wanted) for wanted in (NONE, SEND, BOTH)] == [bits(0, 0), bits(0, 1), bits(1, 0)]
    assert advertisement(*OBEY) == bits(1, 1)


@pytest.mark.parametrize(("room", "longest"), [(48 << 10, 1522), (8 << 10, 1522), (40 << 10, 16288), (56 << 10, 9022)])
def test_a_frame_fits_above_high_water(room: int, longest: int) -> None:
    high, low = thresholds(room, longest)
    assert high + longest <= room
    assert high <= room * 9 / 10
    assert low == high - 8
    assert high % 8 == 0


def test_registers_as_drivers_of_the_family_load_them() -> None:
    card = Bench().card
    assert (card["FCAL"], card["FCAH"], card["FCT"]) == (0x00C2_8001, 0x0000_0100, 0x8808)
    assert card["FCTTV"] == 0xFFFF
    assert card["FCRTH"] == 44232  # 90 % of 48 KB, in whole eights
    assert card["FCRTL"] == 44224 | 1 << 31


@pytest.mark.parametrize(
    ("partner", "wanted", "agreed"),
    [
        (bits(0, 0), Pause(), NONE), (bits(1, 0), Pause(), BOTH), (bits(1, 1), Pause(), BOTH),
        (bits(1, 1), Pause(rx=False), SEND), (bits(0, 1), Pause(tx=False), OBEY), (bits(1, 0), Pause(rx=False), NONE),
        (bits(1, 1), Pause(rx=False, tx=False), NONE), (bits(0, 0), Pause(False, True, False), OBEY),
        (bits(0, 0), Pause(False, False, True), SEND), (bits(1, 1), Pause(False, False, False), NONE),
    ],
)  # fmt: skip
@pytest.mark.parametrize("running", [False, True])
def test_ctrl_says_what_was_agreed(partner: int, wanted: Pause, agreed: tuple[bool, bool], running: bool) -> None:
    bench = Bench(up=running)
    bench.card.phy.registers[Mii.PARTNER] |= partner
    bench.driver.ethtool.set_pause(wanted)
    assert bench.driver.ethtool.pause() == wanted
    if not running:
        bench.driver.up()
    fields = CTRL.unpack(bench.card["CTRL"])
    assert (bool(fields["RFCE"]), bool(fields["TFCE"])) == agreed
    assert bool(fields["SLU"])
    state = bench.driver.ethtool.link()
    assert (state.pause_rx, state.pause_tx) == agreed


def test_a_new_offer_negotiates_anew_and_an_old_one_does_not() -> None:
    bench = Bench()
    restarts = bench.card.phy.restarts
    bench.driver.ethtool.set_pause(bench.driver.ethtool.pause())
    assert bench.card.phy.restarts == restarts
    bench.driver.ethtool.set_pause(Pause(rx=False))
    assert bench.card.phy.restarts == restarts + 1
    assert bench.card.phy.registers[Mii.ADVERTISE] & 0xC00 == bits(0, 1)


def test_a_phy_that_falls_silent_leaves_no_flow_control_and_a_count() -> None:
    bench = Bench()
    bench.card.phy.registers[Mii.PARTNER] |= bits(1, 1)
    bench.card.phy.dead = True
    bench.card.set_carrier(False)
    bench.interrupts()
    bench.card.set_carrier(True)
    bench.interrupts()
    assert bench.driver.counters()["phy_failures"] == 1
    assert not bench.card["CTRL"] & CTRL.mask("RFCE", "TFCE")
    assert bench.driver.link
