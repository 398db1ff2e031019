"""What hangs on the fake card's slow pins: a 93C46 behind EERD and EECD, and a PHY behind MDIC."""

from __future__ import annotations

from ringbed.hw.formats import em

__all__ = ["FakeEeprom", "FakePhy", "eeprom_words"]

EECD, EERD, MDIC = (em.REGISTERS[name] for name in ("EECD", "EERD", "MDIC"))


def eeprom_words(mac: bytes, wrong_by: int = 0) -> list[int]:
    """64 words with the address and a sum that is right, or wrong by that much."""
    words = [int.from_bytes(mac[at : at + 2], "little") for at in (0, 2, 4)] + [0xFFFF] * (em.EEPROM_WORDS - 4)
    return [*words, em.EEPROM_SUM - sum(words) + wrong_by & 0xFFFF]


class FakeEeprom:
    """`eerd` False: a part whose EERD never answers. DO changes after the rise of SK and after CS.

    `large`: a 256-word part, whose addresses have 8 bits (EECD.SIZE), not 6.
    """

    def __init__(self, words: list[int], eerd: bool = True, grants: bool = True, large: bool = False) -> None:
        self.words, self.eerd, self.grants, self.large = words, eerd, grants, large
        self.eerd_reads = self.eecd_words = 0
        self._pins = 0
        self._in: list[int] = []
        self._out: list[int] = []
        self._do = 1

    def write_eerd(self, value: int) -> int:
        self.eerd_reads += 1
        if not self.eerd:
            return 0
        address = EERD["ADDR"].get(value)
        return EERD.pack(DONE=1, ADDR=address, DATA=self.words[address])

    def write_eecd(self, value: int) -> None:
        was, self._pins = self._pins, value
        if not value & EECD["CS"].mask or not value & EECD["REQ"].mask:
            self._in, self._out, self._do = [], [], 1
        elif value & EECD["SK"].mask and not was & EECD["SK"].mask:
            self._clock(EECD["DI"].get(value))

    def _clock(self, di: int) -> None:
        if self._out:
            self._do = self._out.pop(0)
            return
        if not self._in and not di:
            return  # waits for the start bit
        self._in.append(di)
        if len(self._in) == (11 if self.large else 9):
            assert self._in[:3] == [1, 1, 0], "not a READ"
            word = self.words[int("".join(map(str, self._in[3:])), 2)]
            self._out = [word >> bit & 1 for bit in reversed(range(16))]
            self._in = []
            self.eecd_words += 1

    def read_eecd(self) -> int:
        grant = self.grants and bool(self._pins & EECD["REQ"].mask)
        return self._pins & EECD.mask("SK", "CS", "DI", "REQ") | EECD.pack(
            GNT=int(grant), PRES=1, SIZE=int(self.large), DO=self._do
        )


class FakePhy:
    """Registers of the 88E1011; an access is ready at the third look."""

    def __init__(self) -> None:
        self.registers = {0: 0x1140, 1: 0x794D, 2: 0x0141, 3: 0x0C24, 4: 0x0DE1, 5: 0x41E1}
        self.restarts = 0
        self.dead = False
        self._mdic = 0
        self._looks = 0

    def write_mdic(self, value: int) -> None:
        self._mdic, self._looks = value & ~MDIC.mask("R", "E"), 0
        register = MDIC["REGADD"].get(value)
        if MDIC["PHYADD"].get(value) != 1 or register not in self.registers:
            self._mdic |= MDIC["E"].mask
        elif MDIC["OP"].get(value) == 2:
            self._mdic = self._mdic & ~MDIC["DATA"].mask | self.registers[register]
        else:
            data = MDIC["DATA"].get(value)
            self.restarts += data >> 9 & 1
            self.registers[register] = data & ~(1 << 9)

    def read_mdic(self) -> int:
        self._looks += 1
        return self._mdic | (MDIC["R"].mask if self._looks >= 3 and not self.dead else 0)
