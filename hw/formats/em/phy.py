"""The 32 registers of the PHY of `em`, behind MDIC at address 1: the 82540EM's internal 88E1011.

Source: Intel 317453-006, 13.4.7 (names), IEEE 802.3 clause 22 (registers 0 to 15); reset values as the part's models in
use read. What says 'held' is there so that a driver finds again what it wrote; nothing here acts on it.
"""

from __future__ import annotations

from ringbed.hw.formats.field import Access, Field, PhyRegister

__all__ = ["PHY", "PHY_ADDRESS", "PHY_ID", "PHY_ID_MASK"]

RW, RO, RC, SC = Access.RW, Access.RO, Access.RC, Access.SC

PHY_ADDRESS = 1
PHY_ID, PHY_ID_MASK = 0x0141_0C20, 0xFFFF_FFF0  # registers 2 and 3; the low four bits are the revision


def _held(reset: int, doc: str = "held, no effect", lsb: int = 0, width: int = 16) -> tuple[Field, ...]:
    return (Field("HELD", lsb, width, reset=reset, doc=doc),)


def _reserved(number: int, doc: str = "reserved: reads 0, takes nothing") -> PhyRegister:
    return PhyRegister(f"R{number}", number, RO, (), doc)


PHY = (
    PhyRegister("PCTRL", 0, RW, (
        Field("COLLISION_TEST", 7), Field("SPEED_MSB", 6, reset=1, doc="with SPEED_LSB 10b: 1000 Mb/s; no effect"),
        Field("DUPLEX", 8, reset=1, doc="held, no effect"),
        Field("AN_RESTART", 9, access=SC, doc="over at once"), Field("ISOLATE", 10, doc="held, no effect"),
        Field("POWER_DOWN", 11, doc="no link, no loopback"), Field("AN_ENABLE", 12, reset=1, doc="held, no effect"),
        Field("SPEED_LSB", 13), Field("LOOPBACK", 14, doc="what is sent comes back, with a cable or without"),
        Field("RESET", 15, access=SC, doc="registers 0, 4, 7 and 9 get their reset values, the link goes down"),
    ), "control"),
    PhyRegister("PSTATUS", 1, RO, (
        Field("EXTENDED", 0, access=RO, reset=1), Field("LINK", 2, access=RO, doc="0 until read once it was 0"),
        Field("AN_ABLE", 3, access=RO, reset=1), Field("AN_COMPLETE", 5, access=RO),
        Field("PREAMBLE", 6, access=RO, reset=1), Field("EXTENDED_STATUS", 8, access=RO, reset=1),
        Field("ABLE", 11, 4, RO, reset=15, doc="10 and 100 Mb/s, half and full duplex"),
    ), "status"),
    PhyRegister("PID", 2, RO, (Field("ID", 0, 16, RO, reset=PHY_ID >> 16),), "identifier, high"),
    PhyRegister("EPID", 3, RO, (Field("ID", 0, 16, RO, reset=PHY_ID & 0xFFFF),), "identifier, low; 3:0: revision"),
    PhyRegister("ANA", 4, RW, (
        Field("SELECTOR", 0, 5, reset=1), Field("ABLE", 5, 5, reset=15), Field("PAUSE", 10, reset=1),
        Field("ASM_DIR", 11, reset=1), Field("OTHER", 12, 4),
    ), "autonegotiation advertisement; what the partner says does not depend on it"),
    PhyRegister("PLPA", 5, RO, (
        Field("SELECTOR", 0, 5, RO), Field("ABLE", 5, 5, RO), Field("PAUSE", 10, access=RO),
        Field("ASM_DIR", 11, access=RO), Field("OTHER", 12, 4, RO),
    ), "link partner's ability: 41E1h with a link"),
    PhyRegister("ANE", 6, RO, (), "autonegotiation expansion: 0"),
    PhyRegister("NPT", 7, RW, (
        Field("MESSAGE", 0, 11, reset=1), Field("ACK2", 12), Field("MP", 13, reset=1), Field("NP", 15),
    ), "next page to send: held, never sent"),
    PhyRegister("LPN", 8, RO, (), "link partner's next page: 0"),
    PhyRegister("GCON", 9, RW, (
        Field("OTHER", 0, 8), Field("HD", 8), Field("FD", 9, reset=1),
        Field("PORT", 10, reset=1), Field("MASTER", 11, 2, reset=1), Field("TEST", 13, 3),
    ), "1000BASE-T control: held"),
    PhyRegister("GSTATUS", 10, RO, (
        Field("IDLE_ERRORS", 0, 8, RO, doc="0"), Field("LP_HD", 10, access=RO), Field("LP_FD", 11, access=RO),
        Field("REMOTE_OK", 12, access=RO), Field("LOCAL_OK", 13, access=RO),
    ), "1000BASE-T status: 3C00h with a link"),
    *(_reserved(number) for number in (11, 12, 13, 14)),
    PhyRegister("ESTATUS", 15, RO, (
        Field("T_HD", 12, access=RO, reset=1), Field("T_FD", 13, access=RO, reset=1),
    ), "extended status: 1000BASE-T"),
    PhyRegister("PSCON", 16, RW, _held(0x0360), "PHY specific control"),
    PhyRegister("PSSTAT", 17, RO, (
        Field("LINK", 10, access=RO), Field("RESOLVED", 11, access=RO), Field("DUPLEX", 13, access=RO),
        Field("SPEED", 14, 2, RO, reset=2, doc="10b: 1000 Mb/s"),
    ), "PHY specific status"),
    PhyRegister("PINTE", 18, RW, _held(0, "held; the PHY raises no interrupt"), "interrupt enable"),
    PhyRegister("PINTS", 19, RC, (
        Field("LINK_CHANGED", 10, access=RC), Field("AN_COMPLETED", 11, access=RC),
    ), "interrupt status, whatever PINTE says; a read clears it"),
    PhyRegister("EPSCON1", 20, RW, _held(0x0D60), "extended PHY specific control 1"),
    PhyRegister("PREC", 21, RC, (
        Field("COUNT", 0, 16, RC),
    ), "frames with an error on the wire (RX_ER) since the last read; sticks at FFFFh"),
    *(_reserved(number) for number in (22, 23)),
    _reserved(24, "LED control: reads 0, takes nothing"), _reserved(25, "LED override: reads 0, takes nothing"),
    _reserved(26, "extended PHY specific control 2: reads 0, takes nothing"),
    _reserved(27, "extended PHY specific status: reads 0"), _reserved(28),
    PhyRegister("R30PS", 29, RW, _held(0, "held", width=5), "page that register 30 shows"),
    PhyRegister("R30AW", 30, RO, (), "window to the pages of register 29: there are none, reads 0, takes nothing"),
    _reserved(31),
)  # fmt: skip
