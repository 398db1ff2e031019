"""A card's reference as tables of text, read off its formats; `docs/nics/*.md` and `ringbed nic info` print them.

`python -m ringbed.hw.formats.page` writes the pages of a source tree. What no table can say, such as what the card does
not have, is written by hand in `NAME.notes.md` beside the page and copied in at its head.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ringbed.hw.formats import em
from ringbed.hw.formats.em import pci
from ringbed.hw.formats.em.absent import ABSENT
from ringbed.hw.formats.em.phy import PHY
from ringbed.hw.formats.field import Access, Field, Layout, PhyRegister, Register, RegisterMap
from ringbed.hw.formats.verdict import Verdict

__all__ = ["CARDS", "Card", "Table", "docs_folder", "main", "page", "tables"]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text, as wide as `columns`; `note` is a sentence that goes with it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """What a page needs of a card's formats."""

    name: str
    title: str
    pci: Mapping[str, str]
    registers: RegisterMap
    causes: tuple[Field, ...]
    absent: RegisterMap  # the part's, which the card has not
    phy: tuple[PhyRegister, ...]
    stops: tuple[str, ...]
    buffers: Mapping[tuple[int, int], int]
    descriptors: tuple[Layout, ...]
    rx_table: tuple[em.RxRow, ...]


CARDS = {
    "em": Card(
        name="em",
        title="after the Intel 82540EM (8254x), 1 Gb/s, one queue each way",
        pci={
            "vendor": f"{pci.PCI_VENDOR:04x}",
            "device": f"{pci.PCI_DEVICE:04x}",
            "subsystem": f"{pci.SUBSYSTEM_VENDOR:04x}:{pci.SUBSYSTEM:04x}",
            "revision": f"{pci.PCI_REVISION:02x}",
            "class": f"{pci.PCI_CLASS:06x} (Ethernet)",
            "BAR 0": f"{pci.BAR_SIZE // 1024} KiB, memory: the registers",
            f"BAR {pci.IO_BAR}": f"{pci.BARS[pci.IO_BAR]} bytes, I/O: IOADDR at 0, IODATA at 4",
            f"capability at {pci.POWER_MANAGEMENT_AT:02X}": "power management, version 2: D0 and D3",
            "interrupt": "INTA, level",
        },
        registers=em.REGISTERS,
        causes=em.CAUSES,
        absent=ABSENT,
        phy=PHY,
        stops=em.StopCause.NAMES,
        buffers=em.BUFFER_SIZES,
        descriptors=(em.RX_LEGACY, em.TX_LEGACY, em.TX_CONTEXT, em.TX_DATA),
        rx_table=em.RX_TABLE,
    )
}


def tables(card: Card) -> Iterator[Table]:
    """Everything the formats say about `card`, in the order a reader wants it."""
    yield Table("PCI identity", ("what", "value"), tuple(card.pci.items()))
    yield _registers(card)
    yield _absent(card)
    yield _fields(card)
    yield from _phy(card)
    yield Table(
        "Interrupt causes", ("bit", "name", "set when"), tuple((_bits(f), f.name, f.doc) for f in card.causes),
        "The bits of ICR, ICS, IMS and IMC.",
    )  # fmt: skip
    yield Table(
        "Why a queue stands still", ("value", "cause"), tuple((str(i), name) for i, name in enumerate(card.stops))
    )
    yield Table(
        "Receive buffer sizes", ("BSEX", "BSIZE", "bytes"),
        tuple((str(bsex), str(bsize), str(size)) for (bsex, bsize), size in card.buffers.items()),
    )  # fmt: skip
    for layout in card.descriptors:
        yield _descriptor(layout)
    yield _truth()
    yield _kinds(card)


def _bits(field: Field) -> str:
    return str(field.lsb) if field.width == 1 else f"{field.lsb + field.width - 1}:{field.lsb}"


def _registers(card: Card) -> Table:
    rows = tuple((f"{r.offset:05X}", _name(r), r.access, f"{r.reset:08X}", r.doc) for r in card.registers)
    return Table(
        "Registers", ("offset", "name", "access", "reset", "what"), rows,
        "All are 32 bits wide. RC: a read clears it. SC: it clears itself. An offset that is not here reads 0.",
    )  # fmt: skip


def _name(register: Register) -> str:
    return register.name if register.count == 1 else f"{register.name}[{register.count}]"


def _absent(card: Card) -> Table:
    rows = tuple((f"{r.offset:05X}", _name(r), r.doc) for r in card.absent)
    return Table(
        "Registers of the part that are not here", ("offset", "name", "what it is there"), rows,
        "Each reads 0 and takes nothing.",
    )  # fmt: skip


def _phy(card: Card) -> Iterator[Table]:
    """Behind MDIC. Held registers are one field: nothing here gives their bits a meaning."""
    rows = tuple((str(r.number), r.name, r.access, f"{r.reset:04X}", r.doc) for r in card.phy)
    note = (
        "16 bits each, behind MDIC. 'Held' is what stays as written and has no effect. Other addresses give `MDIC.E`."
    )
    yield Table("PHY registers", ("number", "name", "access", "reset", "what"), rows, note)
    fields = [
        (register.name, _bits(field), field.name, _access(register, field), str(field.reset), field.doc)
        for register in card.phy if len(register.fields) > 1 for field in register.fields
    ]  # fmt: skip
    yield Table("PHY register fields", ("register", "bits", "field", "access", "reset", "what"), tuple(fields))


def _fields(card: Card) -> Table:
    """Fields one by one, but for registers that are one whole number and those whose bits are the causes."""
    rows = [
        (register.name, _bits(field), field.name, _access(register, field), str(field.reset), field.doc)
        for register in card.registers
        if register.fields != card.causes and [f.width for f in register.fields] != [register.bits]
        for field in register.fields
    ]
    return Table("Register fields", ("register", "bits", "field", "access", "reset", "what"), tuple(rows))


def _access(register: Register | PhyRegister, field: Field) -> str:
    """A field is written as its register is, unless it says something narrower itself."""
    return register.access if field.access is Access.RW else field.access


def _descriptor(layout: Layout) -> Table:
    rows = tuple((f"{f.lsb // 8}", _bits(f), f.name, f.doc) for f in layout.fields)
    note = f"{layout.size} bytes, read as one little-endian number. {layout.doc}."
    return Table(f"Descriptor: {layout.name}", ("byte", "bits", "field", "what"), rows, note)


def _truth() -> Table:
    """The truth table by asking the function that drivers ask."""
    rows = []
    for text in ("1xxxx", "000xx", "010xx", "011xx", "0xx00", "0xx10", "0xx11"):
        ixsm, ipcs, ipe, tcpcs, tcpe = (bit == "1" for bit in text)
        found = em.verdict(ixsm << 2 | tcpcs << 5 | ipcs << 6, tcpe << 5 | ipe << 6)
        l3, l4 = ("-" if part == "xx" else answer for part, answer in ((text[1:3], found.l3), (text[3:5], found.l4)))
        rows.append((*text.replace("x", "-"), *((found.l3, found.l4) if ixsm else (l3, l4))))
    columns = ("IXSM", "IPCS", "IPE", "TCPCS", "TCPE", "IPv4 header", "TCP or UDP")
    return Table("What the checksum bits of a received frame mean", columns, tuple(rows), "M 3.2.3.1 and 3.2.3.2.")


def _kinds(card: Card) -> Table:
    rows = tuple((row.kind, _checked(row.l3), _checked(row.l4), row.source) for row in card.rx_table)
    return Table(
        "Which sums are checked, by kind of frame", ("frame", "IPv4 header", "TCP or UDP", "source"), rows,
        "With every enable of RXCSUM on. 'Not checked' is an answer of its own, neither good nor bad.",
    )  # fmt: skip


def _checked(yes: bool) -> str:
    return "checked" if yes else Verdict.NONE.l3


def page(card: Card, notes: str) -> str:
    """The Markdown page of `card`, `notes` first."""
    head = (
        f"# `{card.name}`\n\n{card.title[0].upper()}{card.title[1:]}.\n\n"
        f"Made by `make docs` from `hw/formats/` and `{card.name}.notes.md`: change those.\n\n"
    )
    return head + notes.strip() + "\n" + "".join(_markdown(table) for table in tables(card))


def _markdown(table: Table) -> str:
    lines = [f"\n## {table.title}\n"]
    if table.note:
        lines.append(f"{table.note}\n")
    lines += [_row(table.columns), _row(("---",) * len(table.columns)), *map(_row, table.rows)]
    return "\n".join(lines) + "\n"


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def docs_folder() -> Path:
    """`docs/nics` of the source tree this file is in; raises FileNotFoundError in an installed ringbed."""
    folder = Path(__file__).resolve().parents[2] / "docs" / "nics"
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"there is no {folder}: the pages are written in a source tree, not in an installed ringbed"
        )
    return folder


def main() -> None:
    """Write the page of every card."""
    folder = docs_folder()
    for card in CARDS.values():
        notes = (folder / f"{card.name}.notes.md").read_text(encoding="utf-8")
        target = folder / f"{card.name}.md"
        target.write_text(page(card, notes), encoding="utf-8")
        print(f"{target.relative_to(folder.parents[1])} written")


if __name__ == "__main__":
    main()
