"""A card of nothing but interrupt lines, which its registers move: four of them, each a bit of LINES; a bit written to
PULSE is up for a clock. Reset brings them down.
"""

from __future__ import annotations

from pathlib import Path

from ringbed.drivers.world import PciIdentity
from ringbed.sim.dut.card import dut_card
from ringbed.sim.seam.spec import NicSpec

__all__ = ["LINES", "MSI", "MSIX", "PULSE", "SCRATCH", "SHARED", "lines_card"]

LINES, PULSE, SCRATCH = 0, 4, 8
MSI = "msi = 4\n"
MSIX = "msix = { vectors = 4, bar = 4, table = 0, pba = 0x800 }\nbars.4 = { kind = 'memory64', size = 0x1000 }\n"
SHARED = "msix = { vectors = 4, bar = 0, table = 0x100, pba = 0x10, registers = true }\n"  # in a BAR 0 of 0x1000
VERILOG = """
module lines_card (
    input wire clk, input wire rst, input wire [4:0] paddr, input wire psel, input wire penable, input wire pwrite,
    input wire [31:0] pwdata, output wire [31:0] prdata, output wire [3:0] irq
);
    reg [3:0] lines, pulse;
    reg [31:0] scratch;
    wire write = psel & penable & pwrite;
    assign irq = lines | pulse;
    assign prdata = paddr == 5'd0 ? {28'd0, lines} : scratch;
    always @(posedge clk) begin
        pulse <= write && paddr == 5'd4 ? pwdata[3:0] : 4'd0;
        if (write && paddr == 5'd0) lines <= pwdata[3:0];
        if (write && paddr == 5'd8) scratch <= pwdata;
        if (rst) {lines, pulse, scratch} <= 0;
    end
endmodule
"""
MAP = """
top = "lines_card"
sources = ["lines_card.v"]
clock = "clk"
reset = { port = "rst" }
[registers]
kind = "apb"
addr_width = 5
[interrupts]
port = "irq"
width = 4
[pci]
vendor = 0x1234
device = 0x0002
bars.0 = { kind = "memory", prefetchable = true, size = 32 }
bars.1 = { kind = "io", size = 16 }
"""


def lines_card(folder: Path, messages: str = "", size: int = 32) -> tuple[NicSpec, PciIdentity]:
    """With `messages` in its [pci], and so many bytes of BAR 0; the RTL, and so the model, is the same."""
    (folder / "lines_card.v").write_text(VERILOG)
    (folder / "lines_card.toml").write_text(MAP.replace("size = 32", f"size = {size}") + messages)
    spec, pci = dut_card(folder / "lines_card.toml")
    assert pci is not None
    return spec, pci
