"""Who somebody's card is to an operating system: the table `[pci]` of its port map, as a `PciIdentity`.

    [pci]
    vendor = 0x1234
    device = 0x0001
    msix = { vectors = 4, bar = 2, table = 0, pba = 0x800 }   # line n of [interrupts] is vector n
    bars.0 = { kind = "memory", size = 0x100 }                # the registers
    bars.2 = { kind = "memory", size = 0x1000 }               # MSI-X's table and pending bits

docs/port-map.md has every key. What the numbers may be is PCI Local Bus 3.0, chapter 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ringbed.drivers.world import BarKind, MsixPlace, PciIdentity
from ringbed.hw.formats.number import is_number, several, span
from ringbed.sim.dut.values import Values

__all__ = ["PciValues", "least_bar", "told"]

KEYS = {
    "vendor", "device", "class", "revision", "subsystem_vendor", "subsystem", "pin", "msi", "msix", "bars",
}  # fmt: skip
BAR_KEYS, MSIX_KEYS = {"kind", "size", "prefetchable"}, {"vectors", "bar", "table", "pba", "registers"}
KINDS = {"memory": BarKind.MEMORY, "memory64": BarKind.WIDE, "io": BarKind.IO}
PINS = ("A", "B", "C", "D", "none")
LEAST, MOST, MOST_IO = 16, 1 << 31, 256  # bytes of a BAR (6.2.5.1); of one in I/O space, 4 to 256
BARS, VENDORS, IDS, CLASSES = range(6), range(1, 0xFFFF), range(1 << 16), range(1 << 24)  # no vendor is 0xFFFF (6.2.1)
ETHERNET = 0x020000
MESSAGES, VECTORS = (1, 2, 4, 8, 16, 32), range(1, 2049)  # of MSI (6.8.1.3), of MSI-X (6.8.2.3)
STEP, ENTRY = 8, 16  # bytes: of an offset of MSI-X's table and pending bits (6.8.2.4), of an entry


@dataclass(frozen=True, slots=True)
class Bar:
    size: int
    kind: BarKind


def least_bar(reach: int) -> int:
    """Bytes of the least BAR in memory that shows so many."""
    return max(LEAST, reach)


def told(pci: PciIdentity) -> str:
    """Its ids, BARs and interrupts, in a line."""
    bars = (f"BAR {number} {_word(pci.kind(number))} {size:#x}" for number, size in enumerate(pci.bars) if size)
    pin = [f"INT{PINS[pci.pin - 1]}#"] if pci.pin else []
    kinds = (("msi", pci.msi_vectors), ("msix", pci.vectors if pci.msix is not None else 0))
    messages = [f"{kind} {several(count, 'vector')}" for kind, count in kinds if count]
    return f"{pci.vendor:04x}:{pci.device:04x}, class {pci.class_code:06x}, {', '.join([*bars, *pin, *messages])}"


def _word(kind: BarKind) -> str:
    ahead = "prefetchable " if kind & BarKind.PREFETCHABLE else ""
    return ahead + next(word for word, plain in KINDS.items() if plain == kind & ~BarKind.PREFETCHABLE)


class PciValues(Values):
    """`_pci` is None where the map has no such table, or one with a mistake."""

    def _pci(self, reach: int | None, lines: int | None) -> PciIdentity | None:
        """`reach` is how many bytes of registers there are, `lines` how many interrupts; None: that is not clear."""
        if "pci" not in self.data:
            return None
        table, before = self._table("pci"), len(self.problems)
        self._known("pci", table, KEYS)
        vendor, device = self._id(table, "vendor", VENDORS), self._id(table, "device", IDS)
        revision, kind = self._id(table, "revision", range(256), 0), self._id(table, "class", CLASSES, ETHERNET)
        board = self._id(table, "subsystem_vendor", IDS, 0), self._id(table, "subsystem", IDS, 0)
        bars = self._bars(table, reach)
        pin = self._pin_of(table, lines)
        msi, (vectors, place) = self._msi(table, lines), self._msix(table, lines, bars, reach)
        interrupt = "msix" if place is not None else "msi" if msi else "intx"
        alone = place and place.bar if place and not place.registers else None
        if reach and len(self.problems) == before and set(bars) <= {alone}:
            self._problem("pci.bars: none of them is left for the registers")
        if not self._clear("pci", before):
            return None
        each = [bars.get(number, Bar(0, BarKind.MEMORY)) for number in range(max(bars, default=-1) + 1)]
        return PciIdentity(
            vendor, device, revision, kind, tuple(bar.size for bar in each), interrupt,
            vectors if place else msi or 1, *board, kinds=tuple(bar.kind for bar in each), pin=pin, msix=place,
            msi=msi if place else 0,
        )  # fmt: skip

    def _id(self, table: dict[str, Any], key: str, allowed: range, default: int | None = None) -> int:
        value = table.get(key, default)
        if is_number(value, allowed):
            return value
        wrong = f"must be {span(allowed)}, not {value!r}" if key in table else "is missing"
        self._problem(f"pci.{key} {wrong}")
        return allowed[0]

    # ---- BARs ----

    def _bars(self, table: dict[str, Any], reach: int | None) -> dict[int, Bar]:
        """By number; those of the map, or BAR 0 with all registers. Of one with a mistake nothing more is said."""
        if "bars" not in table and reach:
            if reach < LEAST:
                few = f"{reach} bytes of registers are too few for one in memory, and one of kind io has 4 or more"
                self._problem(f"pci.bars is missing: {few}")
            return {0: Bar(min(MOST, least_bar(reach)), BarKind.MEMORY)}
        named = table.get("bars", {})
        if reach == 0 or not isinstance(named, dict):
            wrong = (
                "this map has no registers, and a BAR shows them" if reach == 0 else f"must be a table, not {named!r}"
            )
            self._problem(f"pci.bars: {wrong}")
            return {}
        msix = table.get("msix", {})
        of_msix = str(msix.get("bar")) if isinstance(msix, dict) else ""
        if msix and of_msix not in named:
            reach = None  # one of them is no BAR of registers, but which?
        found = {
            int(number): bar for number, entry in named.items()
            if (bar := self._bar(number, entry, None if number == of_msix else reach)) is not None
        }  # fmt: skip
        for number in sorted(found):
            if found[number].kind & BarKind.WIDE:
                self._upper_half(number, named)
        return found

    def _bar(self, number: str, entry: object, reach: int | None) -> Bar | None:
        """`reach` None: it need not fit the registers."""
        where, before = f"pci.bars.{number}", len(self.problems)
        if number not in map(str, BARS):
            self._problem(f"{where}: a card has BARs {span(BARS)}")
            return None
        if not isinstance(entry, dict):
            self._problem(f"{where} must be a table, not {entry!r}")
            return None
        self._known(where, entry, BAR_KEYS)
        kind = KINDS[self._choice(entry, "kind", where, tuple(KINDS))]
        least, most = (4, MOST_IO) if kind == BarKind.IO else (LEAST, MOST)
        size, prefetchable = entry.get("size"), self._flag(entry, "prefetchable", where, False)
        if prefetchable and kind == BarKind.IO:
            self._problem(f"{where}.prefetchable is for memory")
        if not is_number(size, range(least, most + 1)) or size & (size - 1):
            wrong = f"must be a power of two, {least} to {most}, not {size!r}" if "size" in entry else "is missing"
            self._problem(f"{where}.size {wrong}")
        elif reach and size > reach:
            self._problem(f"{where}.size {size} is more than the {reach} bytes that registers.addr_width reaches")
        if len(self.problems) > before:
            return None
        return Bar(int(size or 0), kind | BarKind.PREFETCHABLE if prefetchable else kind)

    def _upper_half(self, number: int, named: dict[str, Any]) -> None:
        if number == BARS[-1]:
            self._problem(f"pci.bars.{number} is memory64, and there is no BAR {number + 1} for its upper half")
        elif str(number + 1) in named:
            self._problem(f"pci.bars.{number + 1} is the upper half of BAR {number}, which is memory64")

    # ---- interrupts ----

    def _pin_of(self, table: dict[str, Any], lines: int | None) -> int:
        """1 is INTA#, 0 none."""
        if lines == 0 and "pin" not in table:
            return 0
        pin = self._choice(table, "pin", "pci", PINS)
        if lines == 0 and pin != "none":
            self._problem(f"pci.pin {pin!r}: the map has no [interrupts], and a pin is for these")
        return 0 if pin == "none" else 1 + PINS.index(pin)

    def _lineless(self, table: dict[str, Any], key: str, lines: int | None) -> bool:
        """Whether there is nothing to say of such messages: the map has none, or no lines that could be them."""
        if key in table and lines == 0:
            self._problem(f"pci.{key}: the map has no [interrupts], and a vector is a line of these")
        return key not in table or lines == 0

    def _msi(self, table: dict[str, Any], lines: int | None) -> int:
        """How many messages; 0: it has none."""
        return 0 if self._lineless(table, "msi", lines) else self._vectors(table, "msi", "pci", MESSAGES, lines)

    def _vectors(
        self, table: dict[str, Any], key: str, where: str, allowed: range | tuple[int, ...], lines: int | None
    ) -> int:
        vectors, before = self._number(table, key, where, allowed, 0), len(self.problems)
        if lines and vectors < lines and len(self.problems) == before:
            told = f"{where}.{key} {vectors} is fewer than the {several(lines, 'line')} of [interrupts]"
            self._problem(f"{told}: line n is vector n")
        return vectors

    def _msix(
        self, pci: dict[str, Any], lines: int | None, bars: dict[int, Bar], reach: int | None
    ) -> tuple[int, MsixPlace | None]:
        """How many vectors, and where they have their table."""
        if self._lineless(pci, "msix", lines):
            return 1, None
        table = pci["msix"]
        if not isinstance(table, dict):
            self._problem(f"pci.msix must be a table, not {table!r}")
            return 1, None
        before = len(self.problems)
        self._known("pci.msix", table, MSIX_KEYS)
        vectors = self._vectors(table, "vectors", "pci.msix", VECTORS, lines)
        if "bar" not in table:
            self._problem("pci.msix.bar is missing")
        bar = self._number(table, "bar", "pci.msix", BARS, 0)
        at = self._offset(table, "table", 0)
        pba = self._offset(table, "pba", at + ENTRY * vectors)
        shared = self._flag(table, "registers", "pci.msix", False)
        size = bars[bar].size if bar in bars else 0
        place = MsixPlace(bar, at, pba, min(reach or size, size) if shared else 0)
        if len(self.problems) == before and bars:
            self._fits(vectors, place, bars)
        return vectors, place

    def _offset(self, table: dict[str, Any], key: str, default: int) -> int:
        value = table.get(key, default)
        if is_number(value, range(0, MOST, STEP)):
            return value
        self._problem(f"pci.msix.{key} must be a multiple of {STEP} in its BAR, not {value!r}")
        return 0

    def _fits(self, vectors: int, place: MsixPlace, bars: dict[int, Bar]) -> None:
        """The table and the pending bits in their BAR, away from each other."""
        bar = bars.get(place.bar)
        if bar is None or bar.kind == BarKind.IO:
            what = "is not among pci.bars" if bar is None else "is in I/O space, and MSI-X is in memory"
            self._problem(f"pci.msix.bar {place.bar} {what}")
            return
        ends = {"table": place.table + ENTRY * vectors, "pba": place.pba + -(-vectors // 64) * 8}
        for name, end in ends.items():
            if end > bar.size:
                self._problem(f"pci.msix.{name} ends at {end}, and BAR {place.bar} has {bar.size} bytes")
                return
        if place.table < ends["pba"] and place.pba < ends["table"]:
            self._problem(
                f"pci.msix: the table, {place.table} to {ends['table']}, and pba, from {place.pba} on, overlap"
            )
