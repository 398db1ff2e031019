"""Which frames the `em` card takes in: station address, groups, VLANs, promiscuous; and the tables that say it.

Groups take receive addresses 1 to 15, which are exact; those beyond go into the hash table MTA, which lets others in
too, and frames that passed by it alone carry PIF, for `wants` to judge. Beyond `MOST_GROUPS` the card takes all.

Rules of this file: MTA and VFTA survive a reset but hold anything at power-on (M 14), so each is written whole before
its first use and by difference after that; the receive addresses are written whole after every reset.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ringbed.drivers.em.hardware import EmHardware
from ringbed.hw.formats import em

__all__ = ["MOST_GROUPS", "RxFilter", "hash_index"]

ADDRESSES = em.REGISTERS["RAL"].count
TABLE_WORDS = em.REGISTERS["MTA"].count
MOST_GROUPS = 256  # with as many, one frame in sixteen of other groups would pass the hash's 4,096 bits
VIDS = 4096
BROADCAST = b"\xff" * 6
VALID = em.REGISTERS["RAH"].mask("AV")


def hash_index(address: bytes) -> int:
    """The bit of MTA for a group, with RCTL.MO = 0: address bits 47:36, so the last twelve on the wire (M 13.5.1)."""
    return (address[5] << 8 | address[4]) >> 4


def check_station(address: bytes) -> bytes:
    """Raises ValueError when it is no station's address."""
    if len(address) != 6 or address[0] & 1:
        raise ValueError(f"a station's address is six bytes and not a group's, {address.hex(':')!r} is not")
    return bytes(address)


def check_group(address: bytes) -> bytes:
    """Raises ValueError when it is no group's address."""
    if len(address) != 6 or not address[0] & 1:
        raise ValueError(f"a group's address is six bytes with bit 0 of the first set, {address.hex(':')!r} is not")
    return bytes(address)


class RxFilter:
    """What is wanted, and the card's tables for it. Setters act at once while `live`, else at the next `program`."""

    def __init__(self, hardware: EmHardware) -> None:
        self.live = False
        self.promiscuous = False
        self.all_multicast = False
        self.vlan_filter = False
        self.groups: tuple[bytes, ...] = ()
        self.vids: frozenset[int] = frozenset()
        self._station = bytes(6)
        self._hardware = hardware
        self._tables: dict[str, list[int] | None] = {"MTA": None, "VFTA": None}  # what the card holds, None: anything

    # ---- what is wanted ----

    @property
    def station(self) -> bytes:
        return self._station

    @station.setter
    def station(self, address: bytes) -> None:
        self._station = check_station(address)
        self._write_address(0, self._station)  # also while down: it is the address in pause frames and wake-up

    def set_groups(self, groups: Sequence[bytes]) -> None:
        """The whole list, in place of the last one."""
        self.groups = tuple(dict.fromkeys(check_group(group) for group in groups))
        if self.live:
            self._program_groups()

    def set_vids(self, vids: Collection[int]) -> None:
        """The whole set, in place of the last one."""
        for vid in vids:
            if not 0 <= vid < VIDS:
                raise ValueError(f"a VLAN's number is 0 to {VIDS - 1}, not {vid}")
        self.vids = frozenset(vids)
        if self.live:
            self._program_vids()

    def rctl(self) -> dict[str, int]:
        """The filter's fields of RCTL. Promiscuous switches the VLAN filter off too, as its users expect."""
        return {
            "BAM": 1,
            "UPE": int(self.promiscuous),
            "MPE": int(self.promiscuous or self.all_multicast or len(self.groups) > MOST_GROUPS),
            "VFE": int(self.vlan_filter and not self.promiscuous),
        }

    def wants(self, address: bytes) -> bool:
        """Whether a frame to `address` is for us: asked when the card is not sure."""
        if self.promiscuous or address in (self._station, BROADCAST):
            return True
        return bool(address[0] & 1) and (bool(self.rctl()["MPE"]) or address in self.groups)

    # ---- the card's tables ----

    def program(self) -> None:
        """Everything, after a reset; RCTL is the caller's."""
        self.live = True
        self._write_address(0, self._station)
        self._program_groups()
        self._program_vids()

    def forget(self) -> None:
        """Somebody else wrote the tables."""
        self._tables = {"MTA": None, "VFTA": None}

    def _program_groups(self) -> None:
        exact, hashed = self.groups[: ADDRESSES - 1], self.groups[ADDRESSES - 1 :]
        for index in range(1, ADDRESSES):
            self._write_address(index, exact[index - 1] if index <= len(exact) else None)
        self._write_table("MTA", map(hash_index, hashed))

    def _program_vids(self) -> None:
        if self.vlan_filter:
            self._write_table("VFTA", self.vids)

    def _write_address(self, index: int, address: bytes | None) -> None:
        """One entry; invalid while it is half written (M 13.5.2-3)."""
        write = self._hardware.write
        write("RAH", 0, index)
        if address is not None:
            write("RAL", int.from_bytes(address[:4], "little"), index)
            write("RAH", int.from_bytes(address[4:], "little") | VALID, index)

    def _write_table(self, name: str, bits: Collection[int] | map[int]) -> None:
        """Set these bits of 4,096 and no others; only words that change are written."""
        words = [0] * TABLE_WORDS
        for bit in bits:
            words[bit >> 5] |= 1 << (bit & 31)
        held = self._tables[name]
        for index, word in enumerate(words):
            if held is None or held[index] != word:
                self._hardware.write(name, word, index)
        self._tables[name] = words
