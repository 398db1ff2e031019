"""The `em` card's statistics, which a read clears, added up in 64 bits under the names that `ethtool -S` shows.

Rules of this file: a register is read here only, and added, so nothing is lost; a pair is read low word first, since
reading the high word clears both (M 13.7). The values before the first `discard` mean nothing.
"""

from __future__ import annotations

from ringbed.drivers.em.hardware import EmHardware
from ringbed.hw.formats.em.statistics import PAIRS, STATISTICS

__all__ = ["NAMES", "Statistics"]

# What `ethtool -S` calls it: the register, or several added up.
NAMES: dict[str, tuple[str, ...]] = {
    "rx_packets": ("GPRC",), "tx_packets": ("GPTC",), "rx_bytes": ("GORC",), "tx_bytes": ("GOTC",),
    "rx_broadcast": ("BPRC",), "tx_broadcast": ("BPTC",), "rx_multicast": ("MPRC",), "tx_multicast": ("MPTC",),
    "rx_errors": ("CRCERRS", "ALGNERRC", "RXERRC", "CEXTERR", "RUC", "ROC"), "tx_errors": ("ECOL", "LATECOL"),
    "rx_all_packets": ("TPR",), "tx_all_packets": ("TPT",), "rx_all_bytes": ("TOR",), "tx_all_bytes": ("TOT",),
    "rx_crc_errors": ("CRCERRS",), "rx_align_errors": ("ALGNERRC",), "rx_symbol_errors": ("SYMERRS",),
    "rx_frame_errors": ("RXERRC",), "rx_length_errors": ("RLEC",), "rx_short_length_errors": ("RUC",),
    "rx_fragments": ("RFC",), "rx_long_length_errors": ("ROC",), "rx_jabbers": ("RJC",),
    "rx_missed_errors": ("MPC",), "rx_no_buffer_count": ("RNBC",),
    "rx_sequence_errors": ("SEC",), "rx_carrier_extension_errors": ("CEXTERR",),
    "collisions": ("COLC",), "tx_single_coll_ok": ("SCC",), "tx_multi_coll_ok": ("MCC",),
    "tx_abort_late_coll": ("LATECOL",), "tx_aborted_errors": ("ECOL",), "tx_carrier_errors": ("TNCRS",),
    "tx_deferred_ok": ("DC",),
    "rx_flow_control_xon": ("XONRXC",), "rx_flow_control_xoff": ("XOFFRXC",),
    "tx_flow_control_xon": ("XONTXC",), "tx_flow_control_xoff": ("XOFFTXC",),
    "rx_flow_control_unsupported": ("FCRUC",),
    "tx_tcp_seg_good": ("TSCTC",), "tx_tcp_seg_failed": ("TSCTFC",),
    "rx_64": ("PRC64",), "rx_65_to_127": ("PRC127",), "rx_128_to_255": ("PRC255",), "rx_256_to_511": ("PRC511",),
    "rx_512_to_1023": ("PRC1023",), "rx_1024_to_max": ("PRC1522",),
    "tx_64": ("PTC64",), "tx_65_to_127": ("PTC127",), "tx_128_to_255": ("PTC255",), "tx_256_to_511": ("PTC511",),
    "tx_512_to_1023": ("PTC1023",), "tx_1024_to_max": ("PTC1522",),
    "mgmt_received": ("MGTPRC",), "mgmt_dropped": ("MGTPDC",), "mgmt_sent": ("MGTPTC",),
}  # fmt: skip
_HALVES = {pair + half for pair in PAIRS for half in "LH"}
SINGLES = tuple(name for name, _, _ in STATISTICS if name not in _HALVES)


class Statistics:
    """Counters since the driver attached: they survive resets, as long as `collect` is called before each."""

    def __init__(self, hardware: EmHardware) -> None:
        self._hardware = hardware
        self._totals = dict.fromkeys((*SINGLES, *PAIRS), 0)

    def collect(self) -> None:
        """Read, and so clear, every register, and add what it held."""
        for name, count in self._read().items():
            self._totals[name] += count

    def sent(self) -> int:
        """Good frames sent up to now."""
        self._totals["GPTC"] += self._hardware.read("GPTC")
        return self._totals["GPTC"]

    def discard(self) -> None:
        """Read every register once and forget it: there is no value they start from (M 13.7)."""
        self._read()

    def values(self) -> dict[str, int]:
        """What has been collected, by name."""
        return {name: sum(self._totals[register] for register in registers) for name, registers in NAMES.items()}

    def _read(self) -> dict[str, int]:
        read = self._hardware.read
        counts = {name: read(name) for name in SINGLES}
        for pair in PAIRS:
            low = read(pair + "L")
            counts[pair] = low | read(pair + "H") << 32
        return counts
