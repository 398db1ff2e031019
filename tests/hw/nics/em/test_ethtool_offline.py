"""The five tests of `ethtool -t` as the Linux driver does them to this part, done by hand on the card.

Written from what the manual says of each register and from what that driver is known to ask: patterns into registers
that must come back under a mask, exactly; the EEPROM's sum; ICS against IMS and IMC, bit by bit; frames through the
PHY's loopback; the link. Every access goes over the PCI function, and every reset through the I/O window, which is the
only way that driver resets this part.
"""

from __future__ import annotations

import pytest

from ringbed.drivers.world import Direction
from ringbed.hw.formats import em
from ringbed.hw.formats.em.phy import PHY_ADDRESS
from ringbed.sim.cards import EM_PCI
from ringbed.sim.seam.device import DeviceOverEngine
from ringbed.sim.seam.engine import Event
from tests.hw.nics.em.bench import Card, Opener, R
from tests.hw.nics.em.test_rings import works

EVERY = 0xFFFF_FFFF
PATTERNS = (0x5A5A_5A5A, 0xA5A5_A5A5, 0, EVERY)
# register -> bits that must come back, bits that are written. What is written and not to come back must read 0.
HOLDS = {
    "FCAL": (EVERY, EVERY), "FCAH": (0xFFFF, EVERY), "FCT": (0xFFFF, EVERY), "VET": (0xFFFF, EVERY),
    "RDTR": (0xFFFF, EVERY), "RDBAH": (EVERY, EVERY), "RDLEN": (0xF_FF80, 0xF_FFFF),
    "RDH": (0xFFFF, 0xFFFF), "RDT": (0xFFFF, 0xFFFF), "FCRTH": (0xFFF8, 0xFFF8), "FCTTV": (0xFFFF, 0xFFFF),
    "TIPG": (0x3FFF_FFFF, 0x3FFF_FFFF), "TDBAH": (EVERY, EVERY), "TDLEN": (0xF_FF80, 0xF_FFFF),
}  # fmt: skip
THEN_HOLDS = {
    "RDBAL": (0xFFFF_FFF0, EVERY), "TXCW": (0xC000_FFFF, 0xFFFF), "TDBAL": (0xFFFF_FFF0, EVERY),
    "TIDV": (0xFFFF, 0xFFFF), "RAH": (0x8003_FFFF, EVERY), "MTA": (EVERY, EVERY),
}  # fmt: skip
STATUS_TOGGLED = 0xFFFF_F833
RCTL_BITS = 0x06DF_B3FE
CLOCKS_10_MS = 1_250_000
SIZE, COUNT, BATCH = 1024, 256, 64


class Driver:
    """What stands between those tests and the card: registers by name, the PHY, resets, an interrupt handler."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self.device = DeviceOverEngine(card.engine, EM_PCI, card.engine.frequency)

    def read(self, name: str, index: int = 0) -> int:
        return self.device.read(0, R[name].at(index))

    def write(self, name: str, value: int, index: int = 0) -> None:
        self.device.write(0, R[name].at(index), value)

    def reset(self) -> None:
        """Mask, stop, reset through the I/O window, wait 5 ms, mask again, take what is left of causes."""
        self.write("IMC", EVERY)
        self.write("RCTL", 0)
        self.write("TCTL", R["TCTL"].mask("PSP"))
        self.read("STATUS")
        ctrl = self.read("CTRL")
        self.device.write(EM_PCI.io_bar or 0, 0, R["CTRL"].offset)
        self.device.write(EM_PCI.io_bar or 0, 4, ctrl | R["CTRL"].mask("RST"))
        self.device.delay(5_000_000)
        assert not self.read("CTRL") & R["CTRL"].mask("RST")
        self.write("IMC", EVERY)
        self.read("ICR")
        self.write("CTRL", self.read("CTRL") | R["CTRL"].mask("SLU"))

    def phy(self, op: int, register: int, data: int = 0) -> int:
        self.write("MDIC", R["MDIC"].pack(DATA=data, REGADD=register, PHYADD=PHY_ADDRESS, OP=op))
        for _ in range(64):
            self.device.delay(50_000)
            value = self.read("MDIC")
            if value & R["MDIC"].mask("R"):
                assert not value & R["MDIC"].mask("E"), f"PHY register {register}"
                return R["MDIC"]["DATA"].get(value)
        raise AssertionError("MDIC.R never came")

    def interrupts(self) -> int:
        """The causes of all interrupts in 10 ms: a handler reads ICR at each."""
        found, until = 0, self.card.engine.now + CLOCKS_10_MS
        while self.card.engine.run(until, Event.IRQ) & Event.IRQ:
            found |= self.read("ICR")
        return found


@pytest.fixture
def driver(native: Opener) -> Driver:
    made = Driver(native(rx=COUNT, tx=COUNT, up=False))
    made.reset()
    return made


def holds(driver: Driver, name: str, mask: int, written: int) -> None:
    for index in range(R[name].count):
        for pattern in PATTERNS:
            driver.write(name, pattern & written, index)
            found = driver.read(name, index)
            assert found == pattern & written & mask, f"{name}[{index}] {found:#x} for {pattern & written:#x}"


def test_registers(driver: Driver) -> None:
    """The reading of heads and tails beyond their rings among it: queues may stop of that, and start after a reset."""
    before = driver.read("STATUS") & STATUS_TOGGLED
    driver.write("STATUS", STATUS_TOGGLED)
    assert driver.read("STATUS") & STATUS_TOGGLED == before, "STATUS cannot be written"
    for name, (mask, written) in HOLDS.items():
        holds(driver, name, mask, written)
    driver.write("RCTL", 0)
    assert driver.read("RCTL") == 0
    driver.write("RCTL", RCTL_BITS & 0x003F_FFFB)
    assert driver.read("RCTL") & RCTL_BITS == RCTL_BITS & 0x003F_FFFB
    driver.write("TCTL", 0)
    assert driver.read("TCTL") == 0
    driver.write("RCTL", RCTL_BITS)
    assert driver.read("RCTL") & RCTL_BITS == RCTL_BITS
    for name, (mask, written) in THEN_HOLDS.items():
        holds(driver, name, mask, written)
    driver.card.provoked = True  # the receiver was on with an address of no memory
    driver.reset()
    driver.card.up()
    works(driver.card)


def test_eeprom(driver: Driver) -> None:
    """All words by hand, EECD pin by pin: 50 us a half of SK, bit 15 first, DO read with SK high."""
    eecd, words = R["EECD"], []
    for word in range(em.EEPROM_WORDS):
        driver.write("EECD", eecd.pack(REQ=1))
        assert driver.read("EECD") & eecd.mask("GNT")
        for bit in f"110{word:06b}":
            for sk in (0, 1, 0):
                driver.write("EECD", eecd.pack(REQ=1, CS=1, DI=int(bit), SK=sk))
                driver.device.delay(50_000)
        value = 0
        for _ in range(16):
            driver.write("EECD", eecd.pack(REQ=1, CS=1, SK=1))
            driver.device.delay(50_000)
            value = value << 1 | eecd["DO"].get(driver.read("EECD"))
            driver.write("EECD", eecd.pack(REQ=1, CS=1))
            driver.device.delay(50_000)
        driver.write("EECD", eecd.pack(REQ=1))
        driver.device.delay(50_000)
        words.append(value)
    driver.write("EECD", 0)
    assert sum(words) & 0xFFFF == em.EEPROM_SUM


def test_interrupts(driver: Driver) -> None:
    """Bits 0 to 9 one by one, those without a source too: masked and silent, unmasked and heard, alone and no other."""
    driver.write("IMC", EVERY)
    driver.read("STATUS")
    for bit in range(10):
        mask, others = 1 << bit, 0x7FFF & ~(1 << bit)
        driver.write("IMC", mask)
        driver.write("ICS", mask)
        assert not driver.interrupts() & mask, f"bit {bit} is masked"
        driver.write("IMS", mask)
        driver.write("ICS", mask)
        assert driver.interrupts() & mask, f"bit {bit} does not come"
        driver.write("IMC", others)
        driver.write("ICS", others)
        assert not driver.interrupts(), f"others than bit {bit} are masked"
    driver.write("IMC", EVERY)


def loopback_on(driver: Driver) -> None:
    """Autonegotiation off, 1000 Mb/s, PCTRL.LOOPBACK; the MAC forced to the same; the PHY's receiver off the cable."""
    driver.phy(1, 16, 0x0808)
    for control in (0x9140, 0x8140, 0x4140):
        driver.phy(1, 0, control)
    ctrl = driver.read("CTRL") & ~R["CTRL"]["SPEED"].mask
    forced = R["CTRL"].mask("FRCSPD", "FRCDPLX", "FD", "ILOS") | R["CTRL"].pack(SPEED=2)
    driver.write("CTRL", ctrl | forced)
    for register, value in ((29, 0x001F), (30, 0x8FFC), (29, 0x001A), (30, 0x8FF0)):
        driver.phy(1, register, value)
    driver.device.delay(500_000)


def loopback_off(driver: Driver) -> None:
    control = driver.phy(2, 0)
    assert control & 0x4000
    driver.phy(1, 0, control & ~0x4000)
    driver.phy(1, 0, driver.phy(2, 0) | 0x8000)


def test_loopback(driver: Driver) -> None:
    """64 frames of 1,024 bytes at a time, RPS and no RS, three times: each arrives, marks and all."""
    card = driver.card
    loopback_on(driver)
    frame = bytearray(b"\xff" * 512 + b"\xaa" * 511 + b"\xff")
    frame[522], frame[524] = 0xBE, 0xAF
    card.size = 2048
    card.rx.program()
    card.tx.program()
    driver.write("TCTL", R["TCTL"].pack(PSP=1, EN=1, CT=15, COLD=64))
    driver.write("RCTL", R["RCTL"].pack(EN=1, BAM=1))
    card.post(COUNT - 1)
    for batch in range(3):
        for _ in range(BATCH):
            slot = card.memory.map(bytes(frame), Direction.TO_DEVICE)
            card.tx.put(em.TX_LEGACY.encode(address=slot.iova, length=SIZE, EOP=1, IFCS=1, RPS=1), slot)
        card.tx.bell()
        driver.read("STATUS")
        driver.device.delay(20_000_000)
        got = [received.data[:-4] for received in card.harvest()]
        assert got == [bytes(frame)] * BATCH, batch
    assert card.sent() == []
    driver.write("RCTL", driver.read("RCTL") & ~R["RCTL"]["LBM"].mask)
    loopback_off(driver)


def test_link(driver: Driver) -> None:
    """PHY status twice, as its link bit is what was; then STATUS.LU."""
    driver.phy(2, 1)
    assert driver.phy(2, 1) & 0x24 == 0x24
    assert driver.read("STATUS") & R["STATUS"].mask("LU")
    driver.card.engine.set_pin("link_up", 0)
    driver.device.delay(1000)
    assert not driver.read("STATUS") & R["STATUS"].mask("LU")
    assert not driver.phy(2, 1) & 4


def test_what_the_driver_does_to_the_phy_at_every_reset(driver: Driver) -> None:
    """Registers 16 and 20 changed bit by bit, kept over the PHY's own reset; advertisement; the link's result."""
    driver.phy(1, 16, driver.phy(2, 16) | 0x0800)
    driver.phy(1, 20, driver.phy(2, 20) | 0x0070)
    driver.phy(1, 0, driver.phy(2, 0) | 0x8000)
    assert driver.phy(2, 16) & 0x0800
    assert driver.phy(2, 20) & 0x0070 == 0x0070
    driver.phy(1, 4, 0x0DE1)
    driver.phy(1, 9, 0x0200)
    driver.phy(1, 0, driver.phy(2, 0) | 0x1200)
    driver.phy(2, 1)
    assert driver.phy(2, 1) & 0x20
    assert (driver.phy(2, 5), driver.phy(2, 10) & 0x3000, driver.phy(2, 17) & 0xC400) == (0x41E1, 0x3000, 0x8400)
    assert [driver.phy(2, register) for register in (18, 19, 21)] == [0, 0x0C00, 0]
    assert driver.phy(2, 19) == 0


def test_errors_on_the_wire_are_counted_in_the_phy_too(driver: Driver) -> None:
    """RXERRC counts them in the MAC, PREC in the PHY; the driver adds the two up."""
    card = driver.card
    card.up()
    card.post(4)
    driver.phy(2, 21)
    for error in (True, False, True):
        card.arrive(bytes(100), error=error)
    card.settle()
    assert [driver.phy(2, 21), driver.phy(2, 21)] == [2, 0]
