"""What a driver of `em` owes the card: each rule with its section of the manual (M, see `registers.py`).

`sim/checker` holds drivers to it. What is the mapping layer's and not the card's has the Dma Protocol of
`drivers/world.py` for its source; what the stack is promised has `Nic`.
"""

from __future__ import annotations

from ringbed.hw.formats.em.absent import ABSENT
from ringbed.hw.formats.em.descriptors import RX_LEGACY, TX_CONTEXT, TX_DATA, TX_LEGACY, verdict
from ringbed.hw.formats.em.limits import BUFFER_SIZES, MAX_TX_FRAME
from ringbed.hw.formats.em.registers import REGISTERS
from ringbed.hw.formats.rules import (
    Frozen,
    Interrupt,
    RingRegisters,
    Rule,
    Rules,
    RxFormat,
    SumFields,
    Switch,
    TxFormat,
)

__all__ = ["RULES"]

_RX_ON, _TX_ON = Switch("RCTL", "EN"), Switch("TCTL", "EN")
_DMA, _NIC = "drivers/world.py: Dma", "drivers/world.py: Nic"

_RULES = (
    Rule("ring.owned", "a descriptor from head up to tail is the card's until it is written back", "M 3.2.6"),
    Rule("ring.tail_outside", "a tail is the number of a descriptor of its ring", "M 13.4.40"),
    Rule("ring.full", "one descriptor stays free: a tail that meets the head is an empty ring", "M 3.2.6"),
    Rule("ring.base", "a ring lies in coherent memory, all of it", "M 3.2.6"),
    Rule("ring.live", "base, length and head are written with the direction off", "M 13.4.28, 13.4.39"),
    Rule("ring.unwritten", "a descriptor is complete in memory before the tail passes it", "M 3.2.6"),
    Rule("ring.unsynced", "stores into a descriptor are seen, by dma.sync() or a read, before it is given", _DMA),
    Rule("ring.done_set", "a descriptor is given with its status cleared", "M 3.2.6"),
    Rule("ring.untaken", "a frame that the card has written back is taken, once its interrupt was answered", "M 3.2.7"),
    Rule("register.live", "this is set while the direction is off", "M 13.4.22, 13.4.29, 13.4.43"),
    Rule("register.reserved", "reserved bits are written as 0", "M 13.3"),
    Rule("register.unknown", "there is a register at the address", "M Table 13-2"),
    Rule("rx.address", "a receive descriptor points into a live mapping from the device", "M 3.2.3"),
    Rule("rx.small", "every receive buffer is as large as RCTL says", "M 13.4.22"),
    Rule("rx.verdict", "what is said of a frame's sums is what its last descriptor says", "M 3.2.3.1-2"),
    Rule("rx.partial", "a frame ends with the descriptor that has EOP", "M 3.2.3"),
    Rule("tx.address", "a transmit descriptor points into a live mapping to the device, all of its length", "M 3.3.3"),
    Rule("tx.no_end", "the last descriptor of a frame has EOP when the tail passes it", "M 3.3.3.1"),
    Rule("tx.no_fcs", "a frame has IFCS, or carries its own FCS", "M 3.3.3.1"),
    Rule("tx.untagged", "a tag (VLE) needs CTRL.VME", "M 3.3.3.1, 9"),
    Rule("tx.long", "a frame has at most 16288 bytes", "M Table 3-8"),
    Rule("tx.mixed", "a frame is of legacy or of data descriptors, with no context inside", "M 3.3.5"),
    Rule("tx.no_context", "sums and segmentation need a context of their kind before them", "M 3.3.5, 3.5"),
    Rule("tx.context", "a context's offsets are those of the frame behind it", "M 3.3.6"),
    Rule("tx.stale_context", "a context is loaded anew for a frame with other headers", "M 3.3.5, 3.6"),
    Rule("tx.payload", "PAYLEN is the message less its header", "M 3.5, 3.3.6"),
    Rule("tx.header", "HDRLEN is all bytes to the end of the TCP or UDP header", "M 3.5, 3.3.6"),
    Rule("irq.unacknowledged", "the cause register is read in every interrupt", "M 13.4.17"),
    Rule("irq.late", "causes are acknowledged before the rings are served", "M 13.4.17"),
    Rule("down.on", "a driver that is down leaves receive, transmit and interrupts off", _NIC),
    Rule("dma.early_unmap", "a buffer is mapped until its descriptor is written back, or the card reset", _DMA),
    Rule("dma.early_free", "a ring's memory is freed after its direction was turned off by a reset", _DMA),
    Rule("dma.changed", "a buffer is the card's from map to unmap", _DMA),
    Rule("dma.read_early", "a buffer is read when its descriptor is done", "M 3.2.7.1"),
    Rule("dma.direction", "a mapping is read or written by the card as its direction says", _DMA),
    Rule("dma.misuse", "a mapping is unmapped once, and by who made it", _DMA),
    Rule("dma.leak", "a driver that is down has unmapped and freed everything", _DMA),
)


def _buffer_size(rctl: int) -> int:
    control = REGISTERS["RCTL"]
    return BUFFER_SIZES[control["BSEX"].get(rctl), control["BSIZE"].get(rctl)]


def _ring(name: str, letter: str, enable: Switch) -> RingRegisters:
    way = letter + "D"
    return RingRegisters(name, way + "BAL", way + "BAH", way + "LEN", way + "H", way + "T", enable)


RULES = Rules(
    rules={rule.name: rule for rule in _RULES},
    registers=REGISTERS,
    absent=ABSENT,
    loose=frozenset(("ICR", "ICS", "IMC")),  # all ones is how drivers mean every cause
    reset=Switch("CTRL", "RST"),
    kept=frozenset(("PBA", "RDBAL", "RDBAH", "TDBAL", "TDBAH")),
    frozen=(
        Frozen("RXDCTL", _RX_ON),
        Frozen("TXDCTL", _TX_ON),
        Frozen("RCTL", _RX_ON, ("BSIZE", "BSEX", "LBM")),
        Frozen("PBA", _RX_ON),
    ),
    rx_ring=_ring("receive", "R", _RX_ON),
    tx_ring=_ring("transmit", "T", _TX_ON),
    rx=RxFormat(RX_LEGACY, "RCTL", _buffer_size, status_byte=12, verdict=verdict, longest=max(BUFFER_SIZES.values())),
    tx=TxFormat(
        TX_LEGACY, TX_DATA, TX_CONTEXT, extended="DEXT", kind="DTYP", legacy_length="length", data_length="DTALEN",
        cut="TSE", ip=SumFields("IXSM", "IPCSS", "IPCSO", "IPCSE"), l4=SumFields("TXSM", "TUCSS", "TUCSO", "TUCSE"),
        payload="PAYLEN", header="HDRLEN", piece="MSS", longest=MAX_TX_FRAME, tagging=Switch("CTRL", "VME"),
    ),
    interrupt=Interrupt("ICR", "IMS", "IMC", work=("TXDW", "TXQE", "RXDMT0", "RXO", "RXT0")),
)  # fmt: skip
