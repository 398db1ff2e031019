"""A naive `em` card in plain Python: the Device Protocol over a FakeDma, for driver tests without RTL.

Registers act at once; rings move only in `step()`, so that a test decides what is in flight. Frames have no FCS here.
It keeps the card's promise that every frame ends in exactly one RB_* counter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from ringbed.drivers.world import PciIdentity
from ringbed.hw.formats import em
from tests.drivers.fake_dma import FakeDma, FakeFault
from tests.drivers.fake_pins import FakeEeprom, FakePhy, eeprom_words

__all__ = ["MAC", "FakeCard", "ones_sum"]

MAC = bytes.fromhex("020000000001")
PCI = PciIdentity(em.PCI_VENDOR, em.PCI_DEVICE, em.PCI_REVISION, em.PCI_CLASS, (em.BAR_SIZE,), "intx")
R = em.REGISTERS
ICR = R["ICR"]
NAMES = {register.at(index): (register.name, index) for register in R for index in range(register.count)}
SURVIVE = ("RDBAL", "RDBAH", "TDBAL", "TDBAH", "RAL")
FCS = 4


def ones_sum(data: bytes) -> int:
    """The 16-bit one's complement sum, not complemented."""
    total = sum(int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


class FakeCard:
    def __init__(self, dma: FakeDma, eeprom: FakeEeprom | None = None, pci: PciIdentity = PCI) -> None:
        self.pci, self.dma = pci, dma
        self.eeprom = eeprom or FakeEeprom(eeprom_words(MAC))
        self.phy = FakePhy()
        self.wire: list[bytes] = []  # what left
        self.loopback = False
        self.carrier = True
        self.hangs = self.deaf = False  # TX fetches nothing; CTRL.RST never ends
        self.reset_looks = 2
        self.window = True  # False: no RB_* registers, as on other people's models
        self.faults: dict[tuple[str, str], int] = {}  # (ring, stage) -> how many accesses still go well
        self.accesses = Counter[str]()  # register name -> bus accesses
        self.rb = Counter[str]()
        self.contexts = 0
        self.delivered: list[bytes] = []
        self._reset_in = 0
        self._link = False
        self._cold()

    def _cold(self) -> None:
        keep = getattr(self, "reg", {})
        self.reg = {(register.name, index): register.reset for register in R for index in range(register.count)}
        self.reg |= {key: value for key, value in keep.items() if key[0] in SURVIVE}
        self.rb["RB_RXFLUSH"] += len(self._buffer) if hasattr(self, "_buffer") else 0
        self.rb["RB_TXFLUSH"] += len(self._fifo) if hasattr(self, "_fifo") else 0
        self._buffer: list[bytes] = []
        self._fifo: list[bytes] = []
        self._rx_at = 0  # bytes of _buffer[0] already stored
        self._parts: list[tuple[dict[str, int], bytes]] = []
        self._context: dict[str, int] = {}
        self._see_link()

    # ---- registers ----

    def __getitem__(self, name: str) -> int:
        return self.reg[name, 0]

    def __setitem__(self, name: str, value: int) -> None:
        self.reg[name, 0] = value

    @property
    def irq(self) -> bool:
        return bool(self["ICR"] & self["IMS"])

    def cause(self, *names: str) -> None:
        self["ICR"] |= ICR.mask(*names)

    def _see_link(self) -> None:
        up = self.carrier and bool(self["CTRL"] & R["CTRL"].mask("SLU"))
        if up != self._link:
            self._link = up
            self.cause("LSC")

    def set_carrier(self, on: bool) -> None:
        self.carrier = on
        self._see_link()

    def delay(self, nanoseconds: int) -> None:
        assert nanoseconds > 0

    def interrupted(self, nanoseconds: int) -> bool:
        return self.irq

    def peek(self, bar: int, offset: int) -> int:
        name, index = NAMES[offset]
        if name.startswith("RB_") and not self.window:
            return 0
        if name.startswith("RB_") and not name.endswith("STOP"):
            return self.rb[name] & 0xFFFF_FFFF
        return self.reg[name, index]

    def read(self, bar: int, offset: int, size: int = 4) -> int:
        assert (bar, size) == (0, 4)
        name, index = NAMES[offset]
        self.accesses[name] += 1
        special: dict[str, Callable[[], int]] = {
            "ICR": self._read_icr, "CTRL": self._read_ctrl, "EECD": self.eeprom.read_eecd, "MDIC": self.phy.read_mdic,
            "STATUS": lambda: R["STATUS"].pack(LU=int(self._link), SPEED=2, FD=1),
        }  # fmt: skip
        return special[name]() if name in special else self.peek(bar, offset)

    def _read_icr(self) -> int:
        value, self["ICR"] = self["ICR"], 0
        return value

    def _read_ctrl(self) -> int:
        if self._reset_in and not self.deaf:
            self._reset_in -= 1
        return self["CTRL"] | (R["CTRL"].mask("RST") if self._reset_in else 0)

    def write(self, bar: int, offset: int, value: int, size: int = 4) -> None:
        assert (bar, size) == (0, 4)
        name, index = NAMES[offset]
        self.accesses[name] += 1
        assert value >> 32 == 0
        if name == "CTRL":
            self._write_ctrl(value)
        elif name == "IMS":
            self["IMS"] |= value
        elif name == "IMC":
            self["IMS"] &= ~value
        elif name == "EERD":
            self["EERD"] = self.eeprom.write_eerd(value)
        elif name == "EECD":
            self.eeprom.write_eecd(value)
        elif name == "MDIC":
            self.phy.write_mdic(value)
        else:
            self.reg[name, index] = value
        if name in ("RDT", "TDT"):
            self._check_tail(name)

    def _write_ctrl(self, value: int) -> None:
        if value & R["CTRL"].mask("RST"):
            self._cold()
            self._reset_in = self.reset_looks
        else:
            self["CTRL"] = value
            self._see_link()

    def _check_tail(self, name: str) -> None:
        if self[name] >= max(1, self[name[0] + "DLEN"] // 16):
            self[f"RB_{name[0]}XSTOP"] = em.StopCause.RING

    # ---- rings ----

    def fail(self, ring: str, stage: str, after: int = 0) -> None:
        """DECERR for access number `after` from now; ring `rx` or `tx`, stage `fetch`, `data` or `writeback`."""
        self.faults[ring, stage] = after

    def _bus(self, ring: str, stage: str, iova: int, what: int | bytes) -> bytes:
        """One access; a fault stops the ring and raises FakeFault."""
        left = self.faults.get((ring, stage))
        try:
            if left is not None:
                self.faults[ring, stage] = left - 1
                if left == 0:
                    del self.faults[ring, stage]
                    raise FakeFault(stage)
            if isinstance(what, int):
                return self.dma.fetch(iova, what)
            self.dma.store(iova, what)
            return b""
        except FakeFault:
            self[f"RB_{ring.upper()}STOP"] = em.StopCause.NAMES.index(stage)
            raise

    def _base(self, letter: str) -> int:
        return self[letter + "DBAH"] << 32 | self[letter + "DBAL"]

    def step(self, frames: int = 1 << 30) -> None:
        """Both directions as far as they go, at most so many TX frames."""
        try:
            for frame in self._fifo:
                self.rb["RB_TXWIRE"] += 1
                self.wire.append(frame)
                if self.loopback:
                    self.receive(frame)
            self._fifo = []
            while frames and self._link and not self.hangs and self._tx_ready():
                frames -= self._tx_descriptor()
        except FakeFault:
            pass
        try:
            while self._buffer and self._rx_ready():
                self._rx_descriptor()
        except FakeFault:
            self.rb["RB_RXFLUSH"] += len(self._buffer)
            self._buffer, self._rx_at = [], 0

    def drain(self) -> None:
        """Steps until nothing is between ring and wire."""
        self.step()
        self.step()

    def _tx_ready(self) -> bool:
        return bool(self["TCTL"] & R["TCTL"].mask("EN")) and not self["RB_TXSTOP"] and self["TDH"] != self["TDT"]

    def _tx_descriptor(self) -> int:
        """One descriptor; 1 when a frame ended with it."""
        at = self._base("T") + 16 * self["TDH"]
        word = int.from_bytes(self._bus("tx", "fetch", at, 16), "little")
        if em.TX_DATA["DEXT"].get(word) and not em.TX_DATA["DTYP"].get(word):
            assert not self._parts, "a context inside a frame"
            self._context = em.TX_CONTEXT.unpack(word)
            self.contexts += 1
            ended = 0
        else:
            ended = self._tx_part(word)
        if em.TX_DATA["RS"].get(word):
            self._bus("tx", "writeback", at + 12, bytes([word >> 96 & 0xFF | 1]))
            self.cause("TXDW")
        self["TDH"] = (self["TDH"] + 1) % (self["TDLEN"] // 16)
        if self["TDH"] == self["TDT"]:
            self.cause("TXQE")
        return ended

    def _tx_part(self, word: int) -> int:
        layout = em.TX_DATA if em.TX_DATA["DEXT"].get(word) else em.TX_LEGACY
        part = layout.unpack(word)
        length = part["DTALEN"] if part["DEXT"] else part["length"]
        data = self._bus("tx", "data", part["address"], length)
        assert length, "a null descriptor"
        assert part["IFCS"]
        if self._parts:
            assert self._parts[0][0]["DEXT"] == part["DEXT"], "legacy and data descriptors mixed"
            assert not part.get("IXSM", 0) | part.get("TXSM", 0), "sums belong to the first descriptor"
        self._parts.append((part, data))
        if not part["EOP"]:
            return 0
        self.rb["RB_TXFRAME"] += 1
        self._fifo.append(self._tx_sums(self._parts[0][0], b"".join(data for _, data in self._parts)))
        self._parts = []
        return 1

    def _tx_sums(self, first: dict[str, int], data: bytes) -> bytes:
        """The whole frame, the sums its first descriptor asks for inserted, padded."""
        frame = bytearray(data)
        assert len(frame) <= em.MAX_TX_FRAME
        context = self._context
        for want, letters in (("IXSM", "IPC"), ("TXSM", "TUC")):
            if first.get(want):
                start, place, end = (context[letters + what] for what in ("SS", "SO", "SE"))
                total = 0xFFFF & ~ones_sum(bytes(frame[start : end + 1 if end else len(frame)]))
                if want == "TXSM" and not context["TCP"]:
                    total = total or 0xFFFF
                frame[place : place + 2] = total.to_bytes(2, "big")
        return bytes(frame.ljust(60, b"\0"))

    def receive(self, frame: bytes, bad: str = "") -> None:
        """A frame from the wire."""
        rctl = R["RCTL"].unpack(self["RCTL"])
        self.rb["RB_RXWIRE"] += 1
        station = (self.reg["RAL", 0] | self.reg["RAH", 0] << 32).to_bytes(8, "little")[:6]
        ours = frame[:6] == station and self.reg["RAH", 0] >> 31
        ours = ours or frame[:6] == b"\xff" * 6 and rctl["BAM"] or (rctl["MPE"] if frame[0] & 1 else rctl["UPE"])
        used = sum(map(len, self._buffer))
        if not rctl["EN"] or not self._link:
            self.rb["RB_RXOFF"] += 1
        elif bad:
            self.rb["RB_RXCRC"] += 1
        elif len(frame) + FCS > (em.MAX_FRAME_LONG if rctl["LPE"] else em.MAX_FRAME):
            self.rb["RB_RXGIANT"] += 1
        elif len(frame) + FCS < em.MIN_FRAME:
            self.rb["RB_RXRUNT"] += 1
        elif not ours:
            self.rb["RB_RXFILTER"] += 1
        elif self["RB_RXSTOP"]:
            self.rb["RB_RXFLUSH"] += 1
        elif used + len(frame) > 1024 * R["PBA"]["RXA"].get(self["PBA"]):
            self.rb["RB_RXMISS"] += 1
            self.cause("RXO")
        else:
            self._buffer.append(frame)

    def _rx_ready(self) -> bool:
        return not self["RB_RXSTOP"] and self["RDH"] != self["RDT"]

    def _rx_descriptor(self) -> None:
        """Fill one buffer; the status stands in the last one, which is written when the frame is whole."""
        frame, rctl = self._buffer[0], R["RCTL"].unpack(self["RCTL"])
        at = self._base("R") + 16 * self["RDH"]
        address = em.RX_LEGACY["address"].get(int.from_bytes(self._bus("rx", "fetch", at, 16), "little"))
        part = frame[self._rx_at : self._rx_at + em.BUFFER_SIZES[rctl["BSEX"], rctl["BSIZE"]]]
        self._bus("rx", "data", address, part)
        first, last = not self._rx_at, self._rx_at + len(part) == len(frame)
        word = em.RX_LEGACY.pack(length=len(part), DD=1, EOP=int(last)) | (self._rx_status(frame) if last else 0)
        if first:
            word |= em.RX_LEGACY.pack(checksum=ones_sum(frame[R["RXCSUM"]["PCSS"].get(self["RXCSUM"]) :]))
        self._bus("rx", "writeback", at + 8, (word >> 64).to_bytes(8, "little"))
        self["RDH"] = (self["RDH"] + 1) % (self["RDLEN"] // 16)
        self._rx_at += len(part)
        if last:
            self._buffer.pop(0)
            self._rx_at = 0
            self.rb["RB_RXDONE"] += 1
            self.delivered.append(frame)
            self.cause("RXT0")
        if 2 * ((self["RDT"] - self["RDH"]) % (self["RDLEN"] // 16)) <= self["RDLEN"] // 16:
            self.cause("RXDMT0")

    def _rx_status(self, frame: bytes) -> int:
        """Checksums of IPv4 without options over UDP or TCP; everything else is 'ignore'."""
        rxcsum = R["RXCSUM"].unpack(self["RXCSUM"])
        if frame[12:15] != b"\x08\x00\x45" or frame[23] not in (6, 17) or not rxcsum["IPOFL"] or not rxcsum["TUOFL"]:
            return em.RX_LEGACY.pack(IXSM=1)
        segment = frame[34 : 14 + int.from_bytes(frame[16:18], "big")]
        pseudo = frame[26:34] + bytes([0, frame[23]]) + len(segment).to_bytes(2, "big")
        ip_bad, l4_bad = ones_sum(frame[14:34]) != 0xFFFF, ones_sum(pseudo + segment) != 0xFFFF
        return em.RX_LEGACY.pack(IPCS=1, TCPCS=1, IPE=int(ip_bad), TCPE=int(l4_bad))
