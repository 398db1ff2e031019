"""The buses a card shows to the host: AXI4-Lite for registers, AXI4 for DMA. The wire side is in `hw/mac/`.

Signatures are seen from the side that starts transfers; a card's register port is the flipped one.
Source: Arm IHI 0022 (AXI4, AXI4-Lite).
"""

from __future__ import annotations

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["AXI_INCR", "AXI_OKAY", "Axi4", "AxiLite"]

AXI_OKAY = 0
AXI_INCR = 1


class AxiLite(wiring.Signature):
    """AXI4-Lite master side."""

    def __init__(self, addr_width: int, data_width: int = 32) -> None:
        super().__init__({
            "awaddr": Out(addr_width), "awvalid": Out(1), "awready": In(1),
            "wdata": Out(data_width), "wstrb": Out(data_width // 8), "wvalid": Out(1), "wready": In(1),
            "bresp": In(2), "bvalid": In(1), "bready": Out(1),
            "araddr": Out(addr_width), "arvalid": Out(1), "arready": In(1),
            "rdata": In(data_width), "rresp": In(2), "rvalid": In(1), "rready": Out(1),
        })  # fmt: skip


class Axi4(wiring.Signature):
    """AXI4 master side; INCR bursts of full-width beats only, so size and burst are constants."""

    def __init__(self, addr_width: int, data_width: int, id_width: int) -> None:
        self.addr_width, self.data_width, self.id_width = addr_width, data_width, id_width
        super().__init__({
            "awid": Out(id_width), "awaddr": Out(addr_width), "awlen": Out(8), "awsize": Out(3), "awburst": Out(2),
            "awvalid": Out(1), "awready": In(1),
            "wdata": Out(data_width), "wstrb": Out(data_width // 8), "wlast": Out(1), "wvalid": Out(1), "wready": In(1),
            "bid": In(id_width), "bresp": In(2), "bvalid": In(1), "bready": Out(1),
            "arid": Out(id_width), "araddr": Out(addr_width), "arlen": Out(8), "arsize": Out(3), "arburst": Out(2),
            "arvalid": Out(1), "arready": In(1),
            "rid": In(id_width), "rdata": In(data_width), "rresp": In(2), "rlast": In(1), "rvalid": In(1),
            "rready": Out(1),
        })  # fmt: skip
