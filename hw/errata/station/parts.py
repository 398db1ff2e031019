"""EEPROM and PHY: a sum nobody computed, a PHY that does not answer at first, a speed that is not shown."""

from __future__ import annotations

from amaranth import Module, Signal

from ringbed.hw.errata.erratum import Condition, Erratum
from ringbed.hw.errata.fields import visit
from ringbed.hw.errata.saboteur import Here
from ringbed.hw.formats import em
from ringbed.hw.formats.em.phy import PHY

__all__ = ["ERRATA"]

SUM_WORD, NOTHING = em.EEPROM_WORDS - 1, 0xFFFF
NUMBER = {register.name: register.number for register in PHY}
SPEED = 0xC000  # of PSSTAT: 10 is 1000 Mb/s


def _no_sum(m: Module, here: Here) -> None:
    with m.If(visit(m, here, here.address == SUM_WORD)):
        m.d.comb += here.out.eq(NOTHING)


def _no_answer(m: Module, here: Here) -> None:
    """Only the first so many times."""
    answered = Signal(8)
    asked, silent = Signal(), Signal()
    m.d.comb += asked.eq(here.register == NUMBER["PID"])
    m.d.comb += silent.eq(visit(m, here, asked & (answered < here.set["times"])))
    was = Signal()
    m.d.sync += was.eq(silent)
    with m.If(was & ~silent & ~answered.all()):
        m.d.sync += answered.eq(answered + 1)
    with m.If(silent):
        m.d.comb += here.out.eq(NOTHING)


def _speed(m: Module, here: Here) -> None:
    with m.If(visit(m, here, here.register == NUMBER["PSSTAT"])):
        m.d.comb += here.out.eq(here.payload & ~SPEED)


ERRATA = (
    Erratum(
        id="eeprom-checksum-not-calculated", category="station", parts={"eeprom.word": _no_sum},
        description="Whoever wrote the EEPROM did not compute its sum: the last word is erased, and a driver that "
        "checks refuses the card.",
        trigger="a look at the EEPROM's last word",
        source="Linux 5.16.10 drivers/net/ethernet/intel/e1000e/ich8lan.c, e1000_validate_nvm_checksum_ich8lan",
        nature="restated",
    ),
    Erratum(
        id="phy-silent-at-first", category="station", parts={"phy.value": _no_answer},
        description="The PHY does not answer the first read of its identifier, as if there were none.",
        trigger="a look at the PHY's register 2, the first `times` times",
        source="Linux 5.16.10 drivers/net/ethernet/intel/e1000e/ich8lan.c, e1000_phy_is_accessible_pchlan",
        nature="restated", own=(Condition("times", "times", 1, 8, "that there is no answer"),),
    ),
    Erratum(
        id="link-speed-mode-bit-lost", category="station", parts={"phy.value": _speed},
        description="The PHY's status shows the link's speed wrongly: 10 Mb/s, whatever it is.",
        trigger="a look at the PHY's register 17",
        source="Linux 5.16.10 drivers/net/ethernet/intel/e1000e/netdev.c, e1000_watchdog_task",
    ),
)  # fmt: skip
