"""Mistakes in the example blocks that show at one edge alone, each found by the quick amount of the kind that asks it.

Blocks of the widest ports come first: right, they have no findings; with one register too narrow they have.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbed.conformance.blocks.run import Amount
from tests.examples.test_blocks import check, edited

Changes = tuple[tuple[str, str], ...]

WIDE_SEGMENT: Changes = (
    ("input  wire [13:0] mss", "input  wire [15:0] mss"),
    ("input  wire [7:0]  header_length", "input  wire [15:0] header_length"),
    ("input  wire [16:0] payload_length", "input  wire [23:0] payload_length"),
    ("input  wire [7:0]  l3_offset", "input  wire [15:0] l3_offset"),
    ("input  wire [7:0]  l4_offset", "input  wire [15:0] l4_offset"),
    ("reg [13:0] size;", "reg [15:0] size;"),
    ("reg [7:0]  header_size, l3, l4;", "reg [15:0] header_size, l3, l4;"),
    ("reg [16:0] remaining;", "reg [23:0] remaining;"),
    ("stored = header[at[7:0]]", "stored = header[at[11:0]]"),
    ("header[at[7:0]] <= byte_in", "header[at[11:0]] <= byte_in"),
    ("reg [7:0]  header [0:255]", "reg [7:0]  header [0:4095]"),
    ('sums = "kept"', 'sums = "kept"\nlongest = 300000'),
)
WIDE_TX: Changes = (
    ("input  wire [10:0]        csum_start", "input  wire [15:0]        csum_start"),
    ("input  wire [10:0]        csum_offset", "input  wire [15:0]        csum_offset"),
    ("reg [10:0]     start, offset;", "reg [15:0]     start, offset;"),
    ("wire [10:0] now_start", "wire [15:0] now_start"),
    ("parameter DEPTH = 256,", "parameter DEPTH = 8192,"),
    ("longest = 2048 # bytes: what DEPTH beats hold", "longest = 65535"),
)


PASSED = "            PASS: if (put_byte && byte_last)\n                state <= IDLE;"
COUNTED = """            PASS: if (put_byte) begin
                runt <= runt == 63 ? runt : runt + 1;
                if (byte_last) state <= IDLE;
            end"""
RUNT: Changes = (
    ("reg [1:0]  state;", "reg [1:0]  state; reg [5:0] runt;"),
    (PASSED, COUNTED),
    ("state           <= enable ? HEADER_IN : PASS;", "state <= enable ? HEADER_IN : PASS; runt <= 0;"),
    ("m_axis_tvalid <= put_last ||", "m_axis_tvalid <= put_last && (state != PASS || runt >= 55) ||"),
)


def test_a_block_that_loses_the_end_of_short_plain_frames_is_found(tmp_path: Path) -> None:
    assert check("segment", edited(tmp_path, "segment", *RUNT), kinds=["plain frames"]).findings


IP_SUM = "if (l3_at == 10 || l3_at == 11) ip_sum <= {ip_sum[7:0], rx_data};\n            if (in_header)\n"
TCP_SUM = (
    "if (in_body && (l4_at == 16 || l4_at == 17)) tcp_sum <= {tcp_sum[7:0], rx_data};\n            if (in_header)\n"
)
SUM_REGS, HELD, L4_OK = "reg [15:0] udp_length, udp_sum;", "if (in_header)\n", "right(l4_sum + {15'd0, body})"
L3_0: Changes = (
    (SUM_REGS, "reg [15:0] udp_length, udp_sum, ip_sum;"),
    (HELD, IP_SUM),
    ("assign l3_checked = has_header && v4;", "assign l3_checked = has_header && v4 && ip_sum != 0;"),
)
L3_FFFF: Changes = (
    *L3_0[:2],
    ("assign l3_ok      = right(l3_sum);", "assign l3_ok = right(l3_sum) && ip_sum != 16'hffff;"),
)
L4_FFFF: Changes = (
    (SUM_REGS, "reg [15:0] udp_length, udp_sum, tcp_sum;"),
    (HELD, TCP_SUM),
    (L4_OK, f"{L4_OK} && !(tcp && tcp_sum == 16'hffff)"),
)
ZERO, ONCE = "assign sum = once[15:0] + {15'd0, once[16]};", "wire [15:0] full = once[15:0] + {15'd0, once[16]};"
AS_FFFF: Changes = ((ZERO, f"{ONCE} assign sum = full == 0 ? 16'hffff : full;"),)
AS_0: Changes = ((ZERO, f"{ONCE} assign sum = &full ? 16'd0 : full;"),)

# A pointer that comes by the EtherType again, and believes it where it knows it: after 32 beats, and after 11.
BY_AGAIN = """if (count == 1 && in_data[31:16] == ETHER_IPV4) words[1] <= in_data;
            count <= in_last ? 0 : NEXT;
            if (!beats[3]) begin"""


def pointer(bits: int, after: str) -> Changes:
    return (
        ("reg [3:0]  beats;", f"reg [3:0]  beats; reg [{bits - 1}:0] count = 0;"),
        ("if (!beats[3]) begin", BY_AGAIN.replace("NEXT", after)),
    )


# 512 bits, and in one corner of 64 bytes something that is right everywhere else.
TX_512: Changes = (
    ("parameter WIDTH = 64,", "parameter WIDTH = 512,"),
    *((way + "\ndata_width = 64", way + "\ndata_width = 512") for way in ('prefix = "s_axis_"', 'prefix = "m_axis_"')),
)
SECOND_BYTE = "if (enable && to == {5'd0, offset} + 16'd1"
RX_512: Changes = (
    ("[63:0] s_axis_tdata", "[511:0] s_axis_tdata"),
    ("[7:0]  s_axis_tkeep", "[63:0] s_axis_tkeep"),
    ("lane < 8;", "lane < 64;"),
    ("{13'd0, beat, lane[2:0]}", "{10'd0, beat, lane[5:0]}"),
    ("data_width = 64", "data_width = 512"),
)
WORDS = " + ".join(
    f"{{2'd0, s_axis_tdata[{8 * lane} +: 8], s_axis_tdata[{8 * lane + 8} +: 8]}}" for lane in range(24, 32, 2)
)
CARRIES = "{1'b0, four[15:0]} + {15'd0, four[17:16]} > 17'h0ffff"
LOST_CARRY: Changes = (
    ("    reg [31:0] share;\n", f"    wire [17:0] four = {WORDS};\n    reg [31:0] share;\n"),
    (
        "    end\n\n    // Two folds",
        f"        if (&s_axis_tkeep[31:24] && {CARRIES}) share = share - 32'h10000;\n    end\n\n    // Two folds",
    ),
)

WIDE = [("segment", WIDE_SEGMENT), ("tx_checksum", WIDE_TX), ("tx_checksum", TX_512), ("rx_checksum", RX_512)]


@pytest.mark.full
@pytest.mark.parametrize("amount", Amount)
@pytest.mark.parametrize(("name", "changes"), WIDE)
def test_a_right_block_with_the_widest_ports_has_no_findings(
    tmp_path: Path, name: str, changes: Changes, amount: Amount
) -> None:
    assert [str(finding) for finding in check(name, edited(tmp_path, name, *changes), amount=amount).findings] == []


# The block, the kind that finds it, and what somebody wrote.
EDGES: list[tuple[str, str, Changes]] = [
    ("segment", "MSS limits", (*WIDE_SEGMENT, ("<= mss;", "<= {2'd0, mss[13:0]};"))),
    ("segment", "MSS limits", (*WIDE_SEGMENT, ("<= mss;", "<= {1'd0, mss[14:0]};"))),
    ("segment", "offset limits", (*WIDE_SEGMENT, ("<= header_length;", "<= {8'd0, header_length[7:0]};"))),
    ("segment", "offset limits", (*WIDE_SEGMENT, ("<= header_length;", "<= {5'd0, header_length[10:0]};"))),
    ("segment", "offset limits", (*WIDE_SEGMENT, ("<= l4_offset;", "<= {5'd0, l4_offset[10:0]};"))),
    ("segment", "offset limits", (*WIDE_SEGMENT, ("<= l3_offset;", "<= {7'd0, l3_offset[8:0]};"))),
    ("segment", "offset limits", (("<= l3_offset;", "<= {3'd0, l3_offset[4:0]};"),)),
    ("segment", "long messages", (*WIDE_SEGMENT, ("<= payload_length;", "<= {8'd0, payload_length[15:0]};"))),
    ("segment", "long messages", (*WIDE_SEGMENT, ("<= payload_length;", "<= {7'd0, payload_length[16:0]};"))),
    ("tx_checksum", "late starts", (*WIDE_TX, ("start  <= csum_start;", "start  <= {5'd0, csum_start[10:0]};"))),
    ("tx_checksum", "late starts", (*WIDE_TX, ("start  <= csum_start;", "start  <= {1'd0, csum_start[14:0]};"))),
    ("tx_checksum", "late starts", (*WIDE_TX, ("offset <= csum_offset;", "offset <= {5'd0, csum_offset[10:0]};"))),
    ("tx_checksum", "late starts", (*WIDE_TX, ("offset <= csum_offset;", "offset <= {1'd0, csum_offset[14:0]};"))),
    ("rx_verdict", "0x0000 and 0xffff", L3_0),
    ("rx_verdict", "0x0000 and 0xffff", L3_FFFF),
    ("rx_verdict", "0x0000 and 0xffff", L4_FFFF),
    ("rx_checksum", "nothing but 00 and ff", AS_FFFF),
    ("rx_checksum", "nothing but 00 and ff", AS_0),
    ("rss_stream", "headers after 2^n beats", pointer(5, "count + 1")),
    ("rss_stream", "headers after k beats", pointer(4, "count == 11 ? 1 : count + 1")),
    ("tx_checksum", "every place", (*TX_512, (SECOND_BYTE, f"{SECOND_BYTE} && place != 0"))),
    ("rx_checksum", "carries in a beat", (*RX_512, *LOST_CARRY)),
    ("rss_stream", "packets cut short", ((" && !fragment && size >= 38", " && !fragment"),)),
    ("rss_stream", "packets cut short", ((" && begins[3:0] >= 5 && size >= 34", " && begins[3:0] >= 5"),)),
    ("rss_stream", "packets cut short", (("begins[7:4] == 6 && size >= 54", "begins[7:4] == 6"),)),
    ("rss_stream", "packets cut short", (("words[2][31:24] == TCP && size >= 58", "words[2][31:24] == TCP"),)),
]


@pytest.mark.full
@pytest.mark.parametrize(("name", "kind", "changes"), EDGES)
def test_a_mistake_at_an_edge_is_found(tmp_path: Path, name: str, kind: str, changes: Changes) -> None:
    assert check(name, edited(tmp_path, name, *changes), kinds=[kind]).findings
