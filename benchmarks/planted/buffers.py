"""Planted faults, of buffers and interrupts: see `fault.py`."""

from __future__ import annotations

from ringbed.benchmarks.planted.fault import (
    ACK,
    BELL,
    PUT,
    RCTL_ON,
    RESET_LAST,
    RX_PUT,
    Fault,
    after,
)
from ringbed.sim.memory.mapping import MappingError

FAULTS_OF_BUFFERS = (
    Fault("buffer elsewhere", "rx.address", ((RX_PUT, "self.rx.put(mapping.iova + 0x10_0000, 0, mapping)  # here"),)),
    Fault(
        "buffer too small",
        "rx.small",
        (("self.dma.map(bytes(BUFFER), ", "self.dma.map(bytes(BUFFER // 2), "), (RX_PUT, RX_PUT + "  # here")),
    ),
    Fault("buffer begins late", "rx.small", ((RX_PUT, "self.rx.put(mapping.iova + 2, 0, mapping)  # here"),)),
    Fault(
        "frame mapped from the device",
        "dma.direction",
        (
            (
                "mapping = self.dma.map(data, Direction.TO_DEVICE)",
                "mapping = self.dma.map(data, Direction.FROM_DEVICE)  # here",
            ),
        ),
    ),
    Fault(
        "buffer mapped to the device",
        "dma.direction",
        (
            (
                "mapping = self.dma.map(bytes(BUFFER), Direction.FROM_DEVICE)",
                "mapping = self.dma.map(bytes(BUFFER), Direction.TO_DEVICE)  # here",
            ),
        ),
    ),
    Fault(
        "length too long", "tx.address", ((PUT, "self.tx.put(mapping.iova, command | len(data) + 8, mapping)  # here"),)
    ),
    Fault(
        "address of the frame before",
        "tx.address",
        ((PUT, "self.tx.put(mapping.iova - 0x10_0000, command | len(data), mapping)  # here"),),
    ),
    Fault(
        "unmapped behind the bell",
        "dma.early_unmap",
        (
            after(
                BELL,
                "for mapping in filter(None, self.tx.mappings):",
                "    self.dma.unmap(mapping)  # here",
                "self.tx.mappings = [None] * self.size",
            ),
        ),
    ),
    Fault("buffers back before the reset", "dma.early_unmap", ((RESET_LAST, "pass"),)),
    Fault(
        "buffer written while the card has it",
        "dma.changed",
        (
            ('data = b"".join(frame.segments)', 'data = bytearray(b"".join(frame.segments))'),
            after(PUT, "data[-1] ^= 1  # here"),
        ),
    ),
    Fault(
        "read before it is done",
        "dma.read_early",
        (("frames = []\n", "frames = []\n        self.rx.mappings[self.rx.head].read(14)  # here\n"),),
    ),
    Fault(
        "unmapped twice",
        "dma.misuse",
        (
            (
                "if (mapping := self.tx.take()) is not None:  # a context has none",
                "if (mapping := self.tx.take()) is not None:\n                self.dma.unmap(mapping)",
            ),
            ("self.dma.unmap(mapping)\n\n    def queues", "self.dma.unmap(mapping)  # here\n\n    def queues"),
        ),
        raises=MappingError,
    ),
    Fault(
        "buffers kept",
        "dma.leak",
        (
            (
                "                self.dma.unmap(mapping)\n            self.dma.free",
                "                pass\n            self.dma.free",
            ),
        ),
        raises=RuntimeError,
    ),
    Fault(
        "ring freed live",
        "dma.early_free",
        (
            after(RCTL_ON, "self.dma.free(self.dma_ring)  # here"),
            after(
                "self.rx, self.tx = self.rings = Ring(self.dma, self.size), Ring(self.dma, self.size)",
                "self.dma_ring = self.rx.memory",
            ),
        ),
        raises=Exception,
    ),
    Fault(
        "interrupts left on",
        "down.on",
        (
            (
                "self.rings, self.oactive = (), False\n\n    def _reset",
                "self.rings, self.oactive = (), False\n        self.device.write(0, IMS, LSC)\n\n    def _reset",
            ),
        ),
    ),
    Fault(
        "transmit left on",
        "down.on",
        (
            (
                "self.rings, self.oactive = (), False\n\n    def _reset",
                "self.rings, self.oactive = (), False\n        self.device.write(0, TCTL, EN | PSP)\n\n    def _reset",
            ),
        ),
    ),
    Fault(
        "causes not read",
        "irq.unacknowledged",
        (
            (ACK, "causes = LSC"),
            ("def interrupt(self, vector: int) -> None:", "def interrupt(self, vector: int) -> None:  # here"),
        ),
    ),
    Fault(
        "causes read last",
        "irq.late",
        ((ACK, "self._receive()\n        self._clean()\n        causes = self.device.read(0, ICR)  # here"),),
    ),
    Fault(
        "bad is good",
        "rx.verdict",
        (
            (
                "frames.append(RxFrame(mapping.read(high & 0xFFFF), _verdict(high)))",
                "frames.append(RxFrame(mapping.read(high & 0xFFFF), Verdict.L3_GOOD | Verdict.L4_GOOD))  # here",
            ),
        ),
    ),
    Fault("not checked is good", "rx.verdict", (("verdict = Verdict.NONE\n", "verdict = Verdict.L4_GOOD\n"),)),
    Fault(
        "every descriptor a frame", "rx.partial", ((RCTL_ON, "self.device.write(0, RCTL, EN | BAM | SECRC | 3 << 16)"),)
    ),
    Fault(
        "frames not taken",
        "ring.untaken",
        (
            (
                "        self._receive()\n        self._clean()\n        if self.oactive",
                "        self._clean()\n        if self.oactive",
            ),
        ),
    ),
)
