"""The registers of `em`: one table, for the card, its driver and the page."""

from __future__ import annotations

from dataclasses import replace

from ringbed.hw.formats.em import private
from ringbed.hw.formats.em.causes import CAUSES
from ringbed.hw.formats.em.statistics import STATISTICS_REGISTERS
from ringbed.hw.formats.field import Access, Field, Register, RegisterMap

__all__ = ["REGISTERS", "WINDOW"]

RW, RO, WO, RC, SC = Access.RW, Access.RO, Access.WO, Access.RC, Access.SC


def _ring(letter: str, base: int, doc: str) -> tuple[Register, ...]:
    """Base, length, head and tail of one ring (M 13.4.25-28, 13.4.35-39)."""
    name = letter + "D"
    return (
        Register(name + "BAL", base, RW, (Field("BASE", 4, 28),), f"{doc} ring base, low 32 bits; 16-byte aligned"),
        Register(name + "BAH", base + 4, RW, (Field("BASE", 0, 32),), f"{doc} ring base, high 32 bits"),
        Register(name + "LEN", base + 8, RW, (Field("LEN", 7, 13),), f"{doc} ring length in bytes, a multiple of 128"),
        Register(name + "H", base + 0x10, RW, (Field("HEAD", 0, 16),), f"{doc} head; software writes it only when off"),
        Register(name + "T", base + 0x18, RW, (Field("TAIL", 0, 16),), f"{doc} tail: one past the last the card owns"),
    )


REGISTERS = RegisterMap((
    Register("CTRL", 0x0000, RW, (
        Field("FD", 0, reset=1, doc="full duplex, used when FRCDPLX = 1"),
        Field("LRST", 3, doc="no effect on this part"),
        Field("ASDE", 5, doc="no effect: the PHY is internal"),
        Field("SLU", 6, doc="set link up: the MAC honours the PHY's link only when 1 (M 8.6.2.1)"),
        Field("ILOS", 7, doc="kept, no effect"),
        Field("SPEED", 8, 2, reset=2, doc="used when FRCSPD = 1"),
        Field("FRCSPD", 11), Field("FRCDPLX", 12),
        Field("SDP0", 18), Field("SDP1", 19), Field("ADVD3WUC", 20), Field("EN_PHY_PWR_MGMT", 21),
        Field("SDP0_DIR", 22), Field("SDP1_DIR", 23),
        Field("RST", 26, access=SC, doc="reset of all but PHY, PBA, ring bases, RB counters; RAL, RAH from the EEPROM"),
        Field("RFCE", 27, doc="a received pause frame stops transmission"),
        Field("TFCE", 28, doc="pause frames are sent as FCRTH and FCRTL say"),
        Field("VME", 30, doc="VLAN mode: tags are stripped on receive, and inserted for VLE on transmit"),
        Field("PHY_RST", 31, doc="holds the PHY in reset while 1"),
    ), "device control (M 13.4.1)"),
    Register("STATUS", 0x0008, RO, (
        Field("FD", 0, access=RO), Field("LU", 1, access=RO, doc="link up"),
        Field("TXOFF", 4, access=RO, doc="a pause frame holds transmission"),
        Field("SPEED", 6, 2, access=RO, doc="10b and 11b are 1000 Mb/s"),
    ), "device status (M 13.4.2)"),
    Register("EECD", 0x0010, RW, (
        Field("SK", 0), Field("CS", 1), Field("DI", 2), Field("DO", 3, access=RO),
        Field("FWE", 4, 2, reset=1, doc="kept: there is no flash"), Field("REQ", 6), Field("GNT", 7, access=RO),
        Field("PRES", 8, access=RO, reset=1), Field("SIZE", 9, access=RO, doc="0: 64 words"),
    ), "EEPROM pins: Microwire by hand (M 13.4.3)"),
    Register("EERD", 0x0014, RW, (
        Field("START", 0, access=SC), Field("DONE", 4, access=RO), Field("ADDR", 8, 8), Field("DATA", 16, 16, RO),
    ), "EEPROM read (M 13.4.4)"),
    Register("MDIC", 0x0020, RW, (
        Field("DATA", 0, 16), Field("REGADD", 16, 5), Field("PHYADD", 21, 5), Field("OP", 26, 2, doc="1 write, 2 read"),
        Field("R", 28, doc="ready: set when the access is done"), Field("I", 29, doc="raise MDAC when done"),
        Field("E", 30, access=RO, doc="no such PHY or PHY register"),
    ), "MDI control: access to the PHY, address 1 (M 13.4.7)"),
    Register("FCAL", 0x0028, RW, (Field("FCAL", 0, 32),), "pause destination, first four bytes (M 13.4.9)"),
    Register("FCAH", 0x002C, RW, (Field("FCAH", 0, 16),), "pause destination, last two bytes"),
    Register("FCT", 0x0030, RW, (Field("FCT", 0, 16),), "EtherType of pause frames: software writes 8808h"),
    Register("VET", 0x0038, RW, (Field("VET", 0, 16, reset=0x8100),), "EtherType of a VLAN tag (M Table 13-56)"),
    Register("ICR", 0x00C0, RC, CAUSES, "interrupt causes; a read returns and clears all, a written 1 clears one"),
    Register("ITR", 0x00C4, RW, (
        Field("INTERVAL", 0, 16, doc="least time between two interrupts, 256 ns; 0: off"),
    ), "interrupt throttling (M 13.4.18)"),
    Register("ICS", 0x00C8, WO, CAUSES, "a written 1 sets the cause; a read is a read of ICR that clears nothing"),
    Register("IMS", 0x00D0, RW, CAUSES, "a written 1 lets the cause raise the line; reads as the mask"),
    Register("IMC", 0x00D8, WO, CAUSES, "a written 1 masks the cause"),
    Register("RCTL", 0x0100, RW, (
        Field("EN", 1), Field("SBP", 2, doc="store bad packets"), Field("UPE", 3, doc="all unicast"),
        Field("MPE", 4, doc="all multicast"), Field("LPE", 5, doc="frames to 16384 bytes"),
        Field("LBM", 6, 2, doc="loopback: 01 in the MAC, 11 at the PHY; 00 and 10 none"),
        Field("RDMTS", 8, 2, doc="RXDMT0 at 1/2, 1/4, 1/8 of the ring free"),
        Field("MO", 12, 2, doc="address bits that index MTA: 47:36, 46:35, 45:34, 43:32"),
        Field("BAM", 15, doc="accept broadcast"), Field("BSIZE", 16, 2),
        Field("VFE", 18, doc="VFTA decides on tagged frames"),
        Field("CFIEN", 19, doc="tagged frames pass only with this CFI:"), Field("CFI", 20),
        Field("DPF", 22, doc="pause frames to the station address are not stored"),
        Field("PMCF", 23, doc="other MAC control frames are stored, whatever the address filter says"),
        Field("BSEX", 25, doc="BSIZE counts 16 times"),
        Field("SECRC", 26, doc="strip the FCS"),
    ), "receive control (M 13.4.22)"),
    Register("FCTTV", 0x0170, RW, (Field("TTV", 0, 16),), "time in the pause frames sent, 64-byte slots (M 13.4.24)"),
    Register("TXCW", 0x0178, RW, (
        Field("CONFIG", 0, 16), Field("TXC", 30), Field("ANE", 31),
    ), "transmit configuration word of SerDes parts: held, no effect"),
    Register("TCTL", 0x0400, RW, (
        Field("EN", 1), Field("PSP", 3, doc="pad to 64 bytes with FCS"), Field("CT", 4, 8), Field("COLD", 12, 10),
        Field("SWXOFF", 22, access=SC, doc="sends one pause frame with FCTTV, whatever TFCE says"), Field("RTLC", 24),
    ), "transmit control (M 13.4.33)"),
    Register("TIPG", 0x0410, RW, (
        Field("IPGT", 0, 10), Field("IPGR1", 10, 10), Field("IPGR2", 20, 10),
    ), "inter-packet gap: kept; the link's pacing makes the gap (M 13.4.34)"),
    Register("PBA", 0x1000, RW, (
        Field("RXA", 0, 7, reset=0x30, doc="KB for receive, a multiple of 8 from 8 to 56; in force after CTRL.RST"),
        Field("TXA", 16, 16, RO, reset=0x10, doc="64 - RXA"),
    ), "packet buffer allocation (M 13.4.19)"),
    Register("FCRTL", 0x2160, RW, (
        Field("RTL", 3, 13, doc="8-byte units"), Field("XONE", 31, doc="send XON at all"),
    ), "receive buffer fill below which XON is sent (M 13.4.21)"),
    Register("FCRTH", 0x2168, RW, (
        Field("RTH", 3, 13, doc="8-byte units"),
    ), "receive buffer fill from which XOFF is sent (M 13.4.22)"),
    *_ring("R", 0x2800, "receive"),
    Register("RDTR", 0x2820, RW, (
        Field("DELAY", 0, 16, doc="1.024 us; 0: an interrupt for every frame"),
        Field("FPD", 31, access=SC, doc="flush now"),
    ), "receive interrupt delay, from the last frame (M 13.4.30)"),
    Register("RXDCTL", 0x2828, RW, (
        Field("PTHRESH", 0, 6), Field("HTHRESH", 8, 6), Field("WTHRESH", 16, 6, reset=1), Field("GRAN", 24),
    ), "receive descriptor control (M 13.4.29)"),
    Register("RADV", 0x282C, RW, (
        Field("DELAY", 0, 16, doc="1.024 us; 0: off"),
    ), "receive interrupt delay, from the first frame (M 13.4.31)"),
    Register("RSRPD", 0x2C00, RW, (
        Field("SIZE", 0, 12, doc="stored bytes; 0: off"),
    ), "small packets interrupt at once (M 3.2.7.2)"),
    *_ring("T", 0x3800, "transmit"),
    Register("TIDV", 0x3820, RW, (
        Field("IDV", 0, 16, doc="1.024 us"),
    ), "transmit interrupt delay, from the last IDE descriptor (M 13.4.41)"),
    Register("TXDCTL", 0x3828, RW, (
        Field("PTHRESH", 0, 6), Field("HTHRESH", 8, 6), Field("WTHRESH", 16, 6), Field("GRAN", 24),
        Field("LWTHRESH", 25, 7),
    ), "transmit descriptor control (M 13.4.43)"),
    Register("TADV", 0x382C, RW, (
        Field("IDV", 0, 16, doc="1.024 us; 0: off"),
    ), "transmit interrupt delay, from the first IDE descriptor (M 13.4.44)"),
    *STATISTICS_REGISTERS,
    Register("RXCSUM", 0x5000, RW, (
        Field("PCSS", 0, 8, doc="first byte of the packet checksum"), Field("IPOFL", 8), Field("TUOFL", 9),
        Field("IPV6OFL", 10),
    ), "receive checksum control (M 13.4.49)"),
    Register("MTA", 0x5200, RW, (Field("BITS", 0, 32),), "multicast hash table (M 13.5.1); kept over reset", 128),
    Register("RAL", 0x5400, RW, (Field("RAL", 0, 32),), "receive address: first four bytes; 0 is the station's", 16, 8),
    Register("RAH", 0x5404, RW, (
        Field("RAH", 0, 16), Field("AS", 16, 2, doc="00: compared with the destination, 01: with the source"),
        Field("AV", 31, doc="valid; reset clears it, and sets number 0's, which it loads from the EEPROM"),
    ), "receive address: last two bytes", 16, 8),
    Register("VFTA", 0x5600, RW, (Field("BITS", 0, 32),), "VLAN filter table: a bit a VID; kept over reset", 128),
    *private.WINDOW.registers(),
))  # fmt: skip
_RINGS = {
    way: tuple(REGISTERS[letter + name] for name in ("DBAL", "DBAH", "DLEN", "DH", "DT"))
    for way, letter in (("rx", "R"), ("tx", "T"))
}
WINDOW = replace(private.WINDOW, cause=REGISTERS["ICR"], mask=REGISTERS["IMS"], rings=_RINGS)
