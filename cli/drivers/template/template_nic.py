"""A driver of `em`, the Intel 82540EM: one ring each way, checksum offload. Begun by `ringbed drivers new`; now yours.

docs/nics/em.md has every register and descriptor, with the manual's section; docs/write-a-driver.md goes through this
file. What is the same for all drivers is `PlainNic`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from ringbed.lab import (
    AttachError,
    Capabilities,
    ChecksumOffload,
    Device,
    Direction,
    Dma,
    FrameSink,
    Mapping,
    PlainNic,
    QueueState,
    RxFrame,
    TxFrame,
    TxSum,
    Verdict,
)

CTRL, STATUS, ICR, IMS, IMC, RCTL, TCTL, RXCSUM, RAL, RAH = (
    0x0,
    0x8,
    0xC0,
    0xD0,
    0xD8,
    0x100,
    0x400,
    0x5000,
    0x5400,
    0x5404,
)
RX, TX = 0x2800, 0x3800  # a ring's registers, and what follows there:
BASE, BASE_HIGH, LENGTH, HEAD, TAIL = 0x0, 0x4, 0x8, 0x10, 0x18
FD, SLU, RST = 1 << 0, 1 << 6, 1 << 26  # of CTRL
EN, BAM, SECRC, PSP = 1 << 1, 1 << 15, 1 << 26, 1 << 3  # of RCTL, and TCTL
IPOFL, TUOFL, IPV6OFL = 1 << 8, 1 << 9, 1 << 10  # of RXCSUM
TXDW, LSC, RXDMT0, RXO, RXT0 = 1 << 0, 1 << 2, 1 << 4, 1 << 6, 1 << 7  # causes
LU = 1 << 1  # of STATUS
EOP, IFCS, RS, DEXT = 1 << 24, 1 << 25, 1 << 27, 1 << 29  # commands, of a transmit descriptor's upper half
DATA, IXSM_OUT, TXSM_OUT = 1 << 20, 1 << 40, 1 << 41
TCP, IPV4 = 1 << 24, 1 << 25  # and of a context descriptor's
DD, IXSM, TCPCS, IPCS, TCPE, IPE = 1 << 32, 1 << 34, 1 << 37, 1 << 38, 1 << 45, 1 << 46  # what the card writes back
DESCRIPTOR, BUFFER, RESET_TRIES, LAST_FRAME_NS = 16, 2048, 100, 200_000


class Ring:
    """Descriptors that driver and card share, the mapping behind each, and which are the card's: head up to tail."""

    def __init__(self, dma: Dma, size: int) -> None:
        self.size, self.memory = size, dma.coherent(size * DESCRIPTOR)
        self.mappings: list[Mapping | None] = [None] * size
        self.head = self.tail = 0

    def put(self, low: int, high: int, mapping: Mapping | None = None) -> None:
        """Into memory only: the card learns of it by the doorbell, its tail register."""
        raw = low.to_bytes(8, "little") + high.to_bytes(8, "little")
        self.memory.view[self.tail * DESCRIPTOR : (self.tail + 1) * DESCRIPTOR] = raw
        self.mappings[self.tail] = mapping
        self.tail = (self.tail + 1) % self.size

    def done(self) -> int:
        """The upper half of the oldest descriptor once the card is done with it, else 0."""
        at = self.head * DESCRIPTOR + 8
        high = int.from_bytes(self.memory.view[at : at + 8], "little")
        return high if self.used and high & DD else 0

    def take(self) -> Mapping | None:
        mapping, self.mappings[self.head] = self.mappings[self.head], None
        self.head = (self.head + 1) % self.size
        return mapping

    @property
    def used(self) -> int:
        return (self.tail - self.head) % self.size

    @property
    def room(self) -> int:
        """One stays free: a tail equal to the head is an empty ring."""
        return self.size - 1 - self.used


class TemplateNic(PlainNic):
    def __init__(self, device: Device, dma: Dma, sink: FrameSink, *, name: str = "em0", size: int = 64) -> None:
        if (device.pci.vendor, device.pci.device) != (0x8086, 0x100E):
            raise AttachError(f"{name}: {device.pci.vendor:04x}:{device.pci.device:04x} is no card of this driver")
        self.size, self.oactive, self.oactives = size, False, 0
        self.rings: tuple[Ring, ...] = ()
        self.device = device
        self._reset(name)
        address = device.read(0, RAL).to_bytes(4, "little") + (device.read(0, RAH) & 0xFFFF).to_bytes(2, "little")
        super().__init__(device, dma, sink, name=name, lladdr=address)

    @property
    def capabilities(self) -> Capabilities:
        """The stack puts the pseudo-header's sum into the field, and the card adds what it reads to it."""
        return Capabilities(tx_ipv4=True, tx_l4=ChecksumOffload.PSEUDO, rx_checksum=True)

    # ---- up and down ----

    def up(self) -> None:
        super().up()
        self._check_link()

    def _check_link(self) -> None:
        self.sink.link(bool(self.device.read(0, STATUS) & LU))

    def start(self) -> None:
        self._reset(self.name)
        self.device.write(0, CTRL, FD | SLU)
        self.device.write(0, RAL, int.from_bytes(self.lladdr[:4], "little"))
        self.device.write(0, RAH, int.from_bytes(self.lladdr[4:], "little") | 1 << 31)
        self.rx, self.tx = self.rings = Ring(self.dma, self.size), Ring(self.dma, self.size)
        for ring, at in ((self.rx, RX), (self.tx, TX)):
            self.device.write(0, at + BASE, ring.memory.iova & 0xFFFF_FFFF)
            self.device.write(0, at + BASE_HIGH, ring.memory.iova >> 32)
            self.device.write(0, at + LENGTH, self.size * DESCRIPTOR)
        self._fill()
        self.device.write(0, RXCSUM, IPOFL | TUOFL | IPV6OFL)
        self.device.write(0, TCTL, EN | PSP)
        self.device.write(0, RCTL, EN | BAM | SECRC)
        self.device.write(0, IMS, TXDW | LSC | RXDMT0 | RXO | RXT0)
        self.device.read(0, CTRL)  # writes are posted: behind a read they are done, and the next frame is received

    def stop(self) -> None:
        self.device.write(0, IMC, 0xFFFF_FFFF)
        self.device.write(0, RCTL, 0)
        self.device.delay(LAST_FRAME_NS)  # what is under way gets into memory, and onto the wire
        self._receive()
        self._clean()
        self._reset(self.name)  # from here on the card touches no memory
        for ring in self.rings:
            waiting = [mapping for _ in range(ring.used) if (mapping := ring.take()) is not None]
            self.count["tx_reset"] += len(waiting) if ring is self.tx else 0
            for mapping in waiting:
                self.dma.unmap(mapping)
            self.dma.free(ring.memory)
        self.rings, self.oactive = (), False

    def _reset(self, name: str) -> None:
        """AttachError for a card that does not come out of it: one that is not there reads as ones."""
        self.device.write(0, IMC, 0xFFFF_FFFF)
        self.device.write(0, CTRL, RST)
        for _ in range(RESET_TRIES):
            if not self.device.read(0, CTRL) & RST:
                return
            self.device.delay(1000)
        raise AttachError(f"{name}: the card does not come out of its reset")

    # ---- frames ----

    def transmit(self, queue: int, frames: Sequence[TxFrame]) -> int:
        self._clean()
        taken = 0
        for frame in frames:
            if self.tx.room < 2:  # a context and the frame
                self.oactive, self.oactives = True, self.oactives + 1
                break
            taken += 1
            self._send(frame)
        self.dma.sync()  # the descriptors are in memory before the card is told
        self.device.write(0, TX + TAIL, self.tx.tail)  # the doorbell, once for all of them
        return taken

    def _send(self, frame: TxFrame) -> None:
        data = b"".join(frame.segments)
        if len(data) > self.mtu + 14:
            self.count["tx_toobig"] += 1
            return
        command = DATA | EOP | IFCS | RS | DEXT
        if frame.sums:
            self._context(frame)
            command |= IXSM_OUT if TxSum.IPV4 in frame.sums else 0
            command |= TXSM_OUT if frame.sums & (TxSum.TCP | TxSum.UDP) else 0
        mapping = self.dma.map(data, Direction.TO_DEVICE)
        self.tx.put(mapping.iova, command | len(data), mapping)
        self.count["tx_frames"] += 1

    def _context(self, frame: TxFrame) -> None:
        """Where the sums of the frames behind it are: they begin, go to, and end (0: with the frame)."""
        ip, l4, tcp = frame.l3_offset, frame.l4_offset, TxSum.TCP in frame.sums
        low = ip | ip + 10 << 8 | l4 - 1 << 16 | l4 << 32 | l4 + (16 if tcp else 6) << 40
        self.tx.put(low, RS | DEXT | IPV4 | (TCP if tcp else 0))

    def interrupt(self, vector: int) -> None:
        causes = self.device.read(0, ICR)  # reading clears it, and lowers the line
        if causes & LSC:
            self._check_link()
        self._receive()
        self._clean()
        if self.oactive and self.tx.room > self.size // 2:
            self.oactive = False
            self.sink.restart(0)

    def _receive(self) -> None:
        frames = []
        while high := self.rx.done():
            mapping = self.rx.take()
            assert mapping is not None, "every receive descriptor has a buffer"
            frames.append(RxFrame(mapping.read(high & 0xFFFF), _verdict(high)))
            self.dma.unmap(mapping)
        if frames:
            self._fill()
            self.count["rx_frames"] += len(frames)
            self.sink.input(0, frames)

    def _fill(self) -> None:
        """Buffers for frames to come, and the doorbell."""
        while self.rx.room:
            mapping = self.dma.map(bytes(BUFFER), Direction.FROM_DEVICE)
            self.rx.put(mapping.iova, 0, mapping)
        self.dma.sync()
        self.device.write(0, RX + TAIL, self.rx.tail)

    def _clean(self) -> None:
        while self.tx.done():
            if (mapping := self.tx.take()) is not None:  # a context has none
                self.dma.unmap(mapping)

    def queues(self) -> Sequence[QueueState]:
        rx, tx = (ring.used for ring in self.rings) if self.rings else (0, 0)
        return [QueueState("rxq", self.size, rx), QueueState("txq", self.size, tx, self.oactive, self.oactives)]


def _verdict(high: int) -> Verdict:
    """What the card says of a frame's sums: good, bad, or nothing."""
    verdict = Verdict.NONE
    if not high & IXSM:
        if high & IPCS:
            verdict |= Verdict.L3_BAD if high & IPE else Verdict.L3_GOOD
        if high & TCPCS:
            verdict |= Verdict.L4_BAD if high & TCPE else Verdict.L4_GOOD
    return verdict
