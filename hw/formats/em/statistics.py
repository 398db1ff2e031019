"""The statistics registers of `em`, 4000h to 40FCh (M 13.7): one table, for the card, the driver and the page.

All are cleared by the read that returns them. Those of 32 bits stick at FFFFFFFFh. GORC, GOTC, TOR and TOT are pairs
of 64 bits, read low word first: reading the high word clears both; they stick at all ones.
"""

from __future__ import annotations

from ringbed.hw.formats.field import Access, Field, Register

__all__ = ["PAIRS", "STATISTICS", "STATISTICS_REGISTERS"]

# name, offset, what it counts (M 13.7). Lengths are wire bytes with FCS.
STATISTICS = (
    ("CRCERRS", 0x4000, "RX: bad FCS, 64 bytes or more, passed the filter"),
    ("ALGNERRC", 0x4004, "RX: alignment error; 0 at 1000 Mb/s"),
    ("SYMERRS", 0x4008, "RX: symbol error; SerDes only, 0 here"),
    ("RXERRC", 0x400C, "RX: error on the wire (RX_ER)"),
    ("MPC", 0x4010, "RX: missed, no room in the packet buffer"),
    ("SCC", 0x4014, "single collisions; 0 at full duplex"),
    ("ECOL", 0x4018, "excessive collisions; 0 at full duplex"),
    ("MCC", 0x401C, "multiple collisions; 0 at full duplex"),
    ("LATECOL", 0x4020, "late collisions; 0 at full duplex"),
    ("COLC", 0x4028, "collisions; 0 at full duplex"),
    ("DC", 0x4030, "TX: deferred: the wire was not free, or a pause held it"),
    ("TNCRS", 0x4034, "TX: without carrier sense; 0 at full duplex"),
    ("SEC", 0x4038, "sequence errors; SerDes only, 0 here"),
    ("CEXTERR", 0x403C, "carrier extension errors; 0 at full duplex"),
    ("RLEC", 0x4040, "RX: under 64 bytes, or over the limit; passed the filter"),
    ("XONRXC", 0x4048, "RX: XON"), ("XONTXC", 0x404C, "TX: XON"),
    ("XOFFRXC", 0x4050, "RX: XOFF"), ("XOFFTXC", 0x4054, "TX: XOFF"),
    ("FCRUC", 0x4058, "RX: MAC control frame with another opcode than pause"),
    ("PRC64", 0x405C, "RX: good, 64 bytes"), ("PRC127", 0x4060, "RX: good, 65 to 127 bytes"),
    ("PRC255", 0x4064, "RX: good, 128 to 255 bytes"), ("PRC511", 0x4068, "RX: good, 256 to 511 bytes"),
    ("PRC1023", 0x406C, "RX: good, 512 to 1023 bytes"), ("PRC1522", 0x4070, "RX: good, 1024 bytes to the limit"),
    ("GPRC", 0x4074, "RX: good, of any legal length; no pause, no missed"),
    ("BPRC", 0x4078, "RX: good broadcast"), ("MPRC", 0x407C, "RX: good multicast, no pause"),
    ("GPTC", 0x4080, "TX: good, 64 bytes or more, no pause"),
    ("GORCL", 0x4088, "RX: octets of GPRC's frames; bits 31:0"), ("GORCH", 0x408C, "bits 63:32; a read clears both"),
    ("GOTCL", 0x4090, "TX: octets of GPTC's frames; bits 31:0"), ("GOTCH", 0x4094, "bits 63:32; a read clears both"),
    ("RNBC", 0x40A0, "RX: arrived with no free descriptor, no pause"),
    ("RUC", 0x40A4, "RX: under 64 bytes, good FCS"), ("RFC", 0x40A8, "RX: under 64 bytes, bad FCS"),
    ("ROC", 0x40AC, "RX: over the limit, good FCS"), ("RJC", 0x40B0, "RX: over the limit, bad FCS"),
    ("MGTPRC", 0x40B4, "management frames received; none here"),
    ("MGTPDC", 0x40B8, "management frames dropped; none here"),
    ("MGTPTC", 0x40BC, "management frames sent; none here"),
    ("TORL", 0x40C0, "RX: octets of all frames; bits 31:0"), ("TORH", 0x40C4, "bits 63:32; a read clears both"),
    ("TOTL", 0x40C8, "TX: octets of all frames; bits 31:0"), ("TOTH", 0x40CC, "bits 63:32; a read clears both"),
    ("TPR", 0x40D0, "RX: all frames"), ("TPT", 0x40D4, "TX: all frames"),
    ("PTC64", 0x40D8, "TX: 64 bytes"), ("PTC127", 0x40DC, "TX: 65 to 127 bytes"),
    ("PTC255", 0x40E0, "TX: 128 to 255 bytes"), ("PTC511", 0x40E4, "TX: 256 to 511 bytes"),
    ("PTC1023", 0x40E8, "TX: 512 to 1023 bytes"), ("PTC1522", 0x40EC, "TX: 1024 bytes or more"),
    ("MPTC", 0x40F0, "TX: multicast"), ("BPTC", 0x40F4, "TX: broadcast"),
    ("TSCTC", 0x40F8, "TX: segmentation messages sent"), ("TSCTFC", 0x40FC, "TX: segmentation messages that failed"),
)  # fmt: skip
PAIRS = ("GORC", "GOTC", "TOR", "TOT")  # each NAMEL and NAMEH

STATISTICS_REGISTERS = tuple(
    Register(name, offset, Access.RC, (Field("COUNT", 0, 32, Access.RC),), doc) for name, offset, doc in STATISTICS
)
