"""The registers of the 82540EM and of its PHY as drivers in use know them, written down apart from the tables.

Offsets are those of the manual's Tables 13-2 and 13-3 and of the family's public header.
"""

from __future__ import annotations

__all__ = ["DUMP", "PART"]

# name -> offset, or (offset, how many, bytes apart)
PART: dict[str, int | tuple[int, int, int]] = {
    "CTRL": 0x0, "CTRL_DUP": 0x4, "STATUS": 0x8, "EECD": 0x10, "EERD": 0x14, "CTRL_EXT": 0x18, "FLA": 0x1C,
    "MDIC": 0x20, "SCTL": 0x24, "FCAL": 0x28, "FCAH": 0x2C, "FCT": 0x30, "VET": 0x38,
    "ICR": 0xC0, "ITR": 0xC4, "ICS": 0xC8, "IMS": 0xD0, "IMC": 0xD8,
    "RCTL": 0x100, "FCTTV": 0x170, "TXCW": 0x178, "RXCW": 0x180,
    "TCTL": 0x400, "TIPG": 0x410, "TBT": 0x448, "AIT": 0x458, "LEDCTL": 0xE00, "PBA": 0x1000,
    "FCRTL": 0x2160, "FCRTH": 0x2168,
    "RDFH": 0x2410, "RDFT": 0x2418, "RDFHS": 0x2420, "RDFTS": 0x2428, "RDFPC": 0x2430,
    "RDBAL": 0x2800, "RDBAH": 0x2804, "RDLEN": 0x2808, "RDH": 0x2810, "RDT": 0x2818, "RDTR": 0x2820,
    "RXDCTL": 0x2828, "RADV": 0x282C, "RSRPD": 0x2C00, "TXDMAC": 0x3000,
    "TDFH": 0x3410, "TDFT": 0x3418, "TDFHS": 0x3420, "TDFTS": 0x3428, "TDFPC": 0x3430,
    "TDBAL": 0x3800, "TDBAH": 0x3804, "TDLEN": 0x3808, "TDH": 0x3810, "TDT": 0x3818, "TIDV": 0x3820,
    "TXDCTL": 0x3828, "TADV": 0x382C, "TSPMT": 0x3830,
    "CRCERRS": 0x4000, "ALGNERRC": 0x4004, "SYMERRS": 0x4008, "RXERRC": 0x400C, "MPC": 0x4010, "SCC": 0x4014,
    "ECOL": 0x4018, "MCC": 0x401C, "LATECOL": 0x4020, "COLC": 0x4028, "DC": 0x4030, "TNCRS": 0x4034, "SEC": 0x4038,
    "CEXTERR": 0x403C, "RLEC": 0x4040, "XONRXC": 0x4048, "XONTXC": 0x404C, "XOFFRXC": 0x4050, "XOFFTXC": 0x4054,
    "FCRUC": 0x4058, "PRC64": 0x405C, "PRC127": 0x4060, "PRC255": 0x4064, "PRC511": 0x4068, "PRC1023": 0x406C,
    "PRC1522": 0x4070, "GPRC": 0x4074, "BPRC": 0x4078, "MPRC": 0x407C, "GPTC": 0x4080, "GORCL": 0x4088,
    "GORCH": 0x408C, "GOTCL": 0x4090, "GOTCH": 0x4094, "RNBC": 0x40A0, "RUC": 0x40A4, "RFC": 0x40A8, "ROC": 0x40AC,
    "RJC": 0x40B0, "MGTPRC": 0x40B4, "MGTPDC": 0x40B8, "MGTPTC": 0x40BC, "TORL": 0x40C0, "TORH": 0x40C4,
    "TOTL": 0x40C8, "TOTH": 0x40CC, "TPR": 0x40D0, "TPT": 0x40D4, "PTC64": 0x40D8, "PTC127": 0x40DC,
    "PTC255": 0x40E0, "PTC511": 0x40E4, "PTC1023": 0x40E8, "PTC1522": 0x40EC, "MPTC": 0x40F0, "BPTC": 0x40F4,
    "TSCTC": 0x40F8, "TSCTFC": 0x40FC,
    "RXCSUM": 0x5000, "MTA": (0x5200, 128, 4), "RAL": (0x5400, 16, 8), "RAH": (0x5404, 16, 8),
    "VFTA": (0x5600, 128, 4), "WUC": 0x5800, "WUFC": 0x5808, "WUS": 0x5810, "MANC": 0x5820, "IPAV": 0x5838,
    "IP4AT": (0x5840, 4, 8), "IP6AT": (0x5880, 4, 4), "WUPL": 0x5900, "WUPM": (0x5A00, 32, 4),
    "FFLT": (0x5F00, 4, 8), "FFMT": (0x9000, 128, 8), "FFVT": (0x9800, 128, 8), "PBM": (0x10000, 16384, 4),
}  # fmt: skip
# What `ethtool -d` of the Linux driver reads of this part, beside four registers of the PHY (10, 16, 17 and 21).
DUMP = (
    "CTRL", "STATUS", "RCTL", "RDLEN", "RDH", "RDT", "RDTR", "TCTL", "TDLEN", "TDH", "TDT", "TIDV", "MANC",
)  # fmt: skip
