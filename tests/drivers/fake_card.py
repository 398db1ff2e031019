"""A naive `em` card in plain Python: the Device Protocol over a FakeDma, for driver tests without RTL.

Registers act at once; rings move only in `step()`, so that a test decides what is in flight. Frames have no FCS here.
It keeps the card's promise that every frame ends in exactly one RB_* counter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from ringbed.drivers.world import PciIdentity
from ringbed.hw.formats import em
from ringbed.hw.formats.em.statistics import PAIRS, STATISTICS_REGISTERS
from ringbed.hw.formats.field import Access
from tests.drivers.fake_dma import FakeDma, FakeFault
from tests.drivers.fake_pins import FakeEeprom, FakePhy, eeprom_words

__all__ = ["MAC", "FakeCard", "ones_sum"]

MAC = bytes.fromhex("020000000001")
PCI = PciIdentity(em.PCI_VENDOR, em.PCI_DEVICE, em.PCI_REVISION, em.PCI_CLASS, (em.BAR_SIZE,), "intx")
R = em.REGISTERS
ICR = R["ICR"]
NAMES = {register.at(index): (register.name, index) for register in R for index in range(register.count)}
SURVIVE = ("RDBAL", "RDBAH", "TDBAL", "TDBAH", "RAL", "MTA", "VFTA")
COUNTERS = {register.name for register in STATISTICS_REGISTERS}
HASHES = {0: 4, 1: 3, 2: 2, 3: 0}  # RCTL.MO: how far the last two bytes are shifted
FCS = 4


def ones_sum(data: bytes) -> int:
    """The 16-bit one's complement sum, not complemented."""
    total = sum(int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def cut(context: dict[str, int], message: bytes) -> list[bytes]:
    """A message in pieces, headers made right (M 3.5), sums still to come."""
    header, mss = bytearray(message[: context["HDRLEN"]]), context["MSS"]
    assert context["PAYLEN"] == len(message) - len(header)
    ip, l4 = context["IPCSS"], context["TUCSS"]
    pieces = []
    for number, at in enumerate(range(len(header), len(message), mss)):
        payload, last = message[at : at + mss], at + mss >= len(message)
        made = bytearray(header)
        size = len(header) + len(payload)
        if context["IP"]:
            assert made[ip + 2 : ip + 4] == made[ip + 10 : ip + 12] == b"\0\0"
            made[ip + 2 : ip + 4] = (size - ip).to_bytes(2, "big")
            identity = int.from_bytes(header[ip + 4 : ip + 6], "big") + number & 0xFFFF
            made[ip + 4 : ip + 6] = identity.to_bytes(2, "big")
        else:
            made[ip + 4 : ip + 6] = (size - ip - 40).to_bytes(2, "big")
        if context["TCP"]:
            sequence = int.from_bytes(header[l4 + 4 : l4 + 8], "big") + at - len(header) & 0xFFFF_FFFF
            made[l4 + 4 : l4 + 8] = sequence.to_bytes(4, "big")
            made[l4 + 13] &= 0xFF if last else ~0x09 & 0xFF  # FIN and PSH
        else:
            made[l4 + 4 : l4 + 6] = (size - l4).to_bytes(2, "big")
        place = context["TUCSO"]
        total = int.from_bytes(made[place : place + 2], "big") + size - l4
        made[place : place + 2] = ((total & 0xFFFF) + (total >> 16)).to_bytes(2, "big")
        pieces.append(bytes(made + payload))
    return pieces


class FakeCard:
    def __init__(self, dma: FakeDma, eeprom: FakeEeprom | None = None, pci: PciIdentity = PCI) -> None:
        self.pci, self.dma = pci, dma
        self.eeprom = eeprom or FakeEeprom(eeprom_words(MAC))
        self.phy = FakePhy()
        self.wire: list[bytes] = []  # what left
        self.loopback = False
        self.carrier = True
        self.hangs = self.deaf = False  # TX fetches nothing; CTRL.RST never ends
        self.held = 0  # STATUS.TXOFF while a partner's pause holds it
        self.reset_looks = 2
        self.window = True  # False: no RB_* registers, as on other people's models
        self.faults: dict[tuple[str, str], int] = {}  # (ring, stage) -> how many accesses still go well
        self.accesses = Counter[str]()  # register name -> bus accesses
        self.rb = Counter[str]()
        self.contexts = 0
        self.moves = False  # True: rings move while the driver waits
        self.resets_clear = True  # False: a model whose CTRL.RST only drops the bit
        self.descriptors: list[dict[str, int]] = []  # every data or legacy descriptor taken
        self.delivered: list[bytes] = []
        self._reset_in = 0
        self._link = False
        self._cold()

    def _cold(self) -> None:
        keep = getattr(self, "reg", {})
        self.reg = {(register.name, index): register.reset for register in R for index in range(register.count)}
        self.reg |= {key: value for key, value in keep.items() if key[0] in SURVIVE or not self.resets_clear}
        self.rb["RB_RXFLUSH"] += len(self._buffer) if hasattr(self, "_buffer") else 0
        self.rb["RB_TXFLUSH"] += len(self._fifo) if hasattr(self, "_fifo") else 0
        self._buffer: list[bytes] = []
        self._fifo: list[bytes] = []
        self._rx_at = 0  # bytes of _buffer[0] already stored
        self._parts: list[tuple[dict[str, int], bytes]] = []
        self._contexts: list[dict[str, int]] = [{}, {}]  # for frames, for messages
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
        if self.moves:
            self.step()

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
            "STATUS": lambda: R["STATUS"].pack(LU=int(self._link), SPEED=2, FD=1) | self.held,
        }  # fmt: skip
        if name in COUNTERS:
            return self._read_statistic(name)
        return special[name]() if name in special else self.peek(bar, offset)

    def _read_statistic(self, name: str) -> int:
        """Cleared by the read, a pair by the read of its high word."""
        value = self[name]
        if name[:-1] not in PAIRS:
            self[name] = 0
        elif name.endswith("H"):
            self[name] = self[name[:-1] + "L"] = 0
        return value

    def count(self, **events: int) -> None:
        """Add to statistics registers; a pair by its name without L and H."""
        for name, number in events.items():
            if name in PAIRS:
                total = (self[name + "H"] << 32 | self[name + "L"]) + number
                self[name + "L"], self[name + "H"] = total & 0xFFFF_FFFF, total >> 32
            else:
                self[name] += number

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
        elif name == "ICS":
            self["ICR"] |= value
        elif name == "IMC":
            self["IMS"] &= ~value
        elif name == "EERD":
            self["EERD"] = self.eeprom.write_eerd(value)
        elif name == "EECD":
            self.eeprom.write_eecd(value)
        elif name == "MDIC":
            self.phy.write_mdic(value)
        elif R[name].access is Access.RW:
            self.reg[name, index] = value & R[name].mask(*(field.name for field in R[name].fields))
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
                self.count(GPTC=1, GOTC=len(frame) + FCS)
                self.wire.append(frame)
                if self.loopback or R["RCTL"]["LBM"].get(self["RCTL"]) or self.phy.registers[0] & 1 << 14:
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
            context = em.TX_CONTEXT.unpack(word)
            self._contexts[context["TSE"]] = context
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
            assert self._parts[0][0].get("TSE", 0) == part.get("TSE", 0), "cut or not"
        self._parts.append((part, data))
        self.descriptors.append(part)
        if not part["EOP"]:
            return 0
        self.rb["RB_TXFRAME"] += 1
        first, whole = self._parts[0][0], b"".join(data for _, data in self._parts)
        message = first["DEXT"] and first["TSE"]
        context = self._contexts[1 if message else 0]
        pieces = cut(context, whole) if message else [whole]
        if message:
            self.rb["RB_TXTSO"] += 1
            self.rb["RB_TXSEG"] += len(pieces)
            self.count(TSCTC=1)
        tag = first if message else part
        self._fifo += [self._tag(tag, self._tx_sums(first, context, piece)) for piece in pieces]
        self._parts = []
        return 1

    def _tag(self, part: dict[str, int], frame: bytes) -> bytes:
        """With its tag, when the card is in VLAN mode; padded."""
        if part["VLE"] and R["CTRL"]["VME"].get(self["CTRL"]):
            frame = frame[:12] + self["VET"].to_bytes(2, "big") + part["special"].to_bytes(2, "big") + frame[12:]
        return frame.ljust(60, b"\0")

    def _tx_sums(self, first: dict[str, int], context: dict[str, int], data: bytes) -> bytes:
        """The whole frame, the sums its first descriptor asks for inserted."""
        frame = bytearray(data)
        assert len(frame) <= em.MAX_TX_FRAME
        for want, letters in (("IXSM", "IPC"), ("TXSM", "TUC")):
            if first.get(want):
                start, place, end = (context[letters + what] for what in ("SS", "SO", "SE"))
                total = 0xFFFF & ~ones_sum(bytes(frame[start : end + 1 if end else len(frame)]))
                if want == "TXSM" and not context["TCP"]:
                    total = total or 0xFFFF
                frame[place : place + 2] = total.to_bytes(2, "big")
        return bytes(frame)

    def _passes(self, frame: bytes) -> tuple[bool, bool]:
        """The address filter: whether the frame passes, and whether by the hash alone."""
        rctl = R["RCTL"].unpack(self["RCTL"])
        entries = [(self.reg["RAL", n] | self.reg["RAH", n] << 32).to_bytes(8, "little") for n in range(16)]
        exact = frame[:6] in [entry[:6] for entry in entries if entry[7] & 0x80]
        broadcast = frame[:6] == b"\xff" * 6 and bool(rctl["BAM"])
        exact = exact or broadcast or bool(rctl["MPE"] if frame[0] & 1 else rctl["UPE"])
        index = (frame[5] << 8 | frame[4]) >> HASHES[rctl["MO"]] & 0xFFF
        hashed = bool(frame[0] & 1 and self.reg["MTA", index >> 5] >> (index & 31) & 1)
        return exact or hashed, hashed and not exact

    def _vlan_passes(self, frame: bytes) -> bool:
        if not R["RCTL"]["VFE"].get(self["RCTL"]) or not self._tagged(frame):
            return True
        vid = int.from_bytes(frame[14:16], "big") & 0xFFF
        return bool(self.reg["VFTA", vid >> 5] >> (vid & 31) & 1)

    def _tagged(self, frame: bytes) -> bool:
        return frame[12:14] == self["VET"].to_bytes(2, "big")

    def receive(self, frame: bytes, bad: str = "") -> None:
        """A frame from the wire."""
        rctl = R["RCTL"].unpack(self["RCTL"])
        self.rb["RB_RXWIRE"] += 1
        used = sum(map(len, self._buffer))
        if not rctl["EN"] or not self._link:
            self.rb["RB_RXOFF"] += 1
        elif bad:
            self.rb["RB_RXCRC"] += 1
        elif len(frame) + FCS > (em.MAX_FRAME_LONG if rctl["LPE"] else em.MAX_FRAME):
            self.rb["RB_RXGIANT"] += 1
        elif len(frame) + FCS < em.MIN_FRAME:
            self.rb["RB_RXRUNT"] += 1
        elif not self._passes(frame)[0]:
            self.rb["RB_RXFILTER"] += 1
        elif not self._vlan_passes(frame):
            self.rb["RB_RXVLAN"] += 1
        elif self["RB_RXSTOP"]:
            self.rb["RB_RXFLUSH"] += 1
        elif used + len(frame) > 1024 * R["PBA"]["RXA"].get(self["PBA"]):
            self.rb["RB_RXMISS"] += 1
            self.cause("RXO")
        else:
            self.count(GPRC=1, GORC=len(frame) + FCS)
            self._buffer.append(frame)

    def _rx_ready(self) -> bool:
        return not self["RB_RXSTOP"] and self["RDH"] != self["RDT"]

    def _rx_descriptor(self) -> None:
        """Fill one buffer; the status stands in the last one, which is written when the frame is whole."""
        frame, rctl = self._buffer[0], R["RCTL"].unpack(self["RCTL"])
        strip = R["CTRL"]["VME"].get(self["CTRL"]) and self._tagged(frame)
        stored = frame[:12] + frame[16:] if strip else frame
        at = self._base("R") + 16 * self["RDH"]
        address = em.RX_LEGACY["address"].get(int.from_bytes(self._bus("rx", "fetch", at, 16), "little"))
        part = stored[self._rx_at : self._rx_at + em.BUFFER_SIZES[rctl["BSEX"], rctl["BSIZE"]]]
        self._bus("rx", "data", address, part)
        first, last = not self._rx_at, self._rx_at + len(part) == len(stored)
        word = em.RX_LEGACY.pack(length=len(part), DD=1, EOP=int(last)) | (self._rx_status(stored) if last else 0)
        if last:
            tag = int.from_bytes(frame[14:16], "big") if strip else 0
            word |= em.RX_LEGACY.pack(PIF=int(self._passes(frame)[1]), VP=int(strip), special=tag)
        if first:
            word |= em.RX_LEGACY.pack(checksum=ones_sum(stored[R["RXCSUM"]["PCSS"].get(self["RXCSUM"]) :]))
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
