"""The `em` tables against positions known from the family's public headers, and the pages printed from them."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from ringbed.hw.formats import em, page
from ringbed.hw.formats.em.absent import ABSENT
from ringbed.hw.formats.em.phy import PHY
from ringbed.hw.formats.field import Layout, RegisterMap
from ringbed.hw.formats.verdict import Verdict
from tests.hw.em_part import DUMP, PART

DOCS = Path(__file__).parents[3] / "docs" / "nics"

# Written down apart from the tables, so that a slip in one is seen: the offsets a driver of the family was built with.
OFFSETS = {
    "CTRL": 0x0000, "STATUS": 0x0008, "EECD": 0x0010, "EERD": 0x0014, "MDIC": 0x0020, "ICR": 0x00C0, "ICS": 0x00C8,
    "IMS": 0x00D0, "IMC": 0x00D8, "RCTL": 0x0100, "TCTL": 0x0400, "TIPG": 0x0410, "PBA": 0x1000, "RDBAL": 0x2800,
    "RDBAH": 0x2804, "RDLEN": 0x2808, "RDH": 0x2810, "RDT": 0x2818, "RXDCTL": 0x2828, "TDBAL": 0x3800,
    "TDBAH": 0x3804, "TDLEN": 0x3808, "TDH": 0x3810, "TDT": 0x3818, "TXDCTL": 0x3828, "RXCSUM": 0x5000,
    "RAL": 0x5400, "RAH": 0x5404,
}  # fmt: skip
MASKS = {
    ("CTRL", "SLU"): 0x40, ("CTRL", "RST"): 0x04000000, ("STATUS", "LU"): 0x2, ("EERD", "START"): 0x1,
    ("EERD", "DONE"): 0x10, ("EERD", "DATA"): 0xFFFF0000, ("MDIC", "R"): 0x10000000, ("MDIC", "OP"): 0x0C000000,
    ("ICR", "RXT0"): 0x80, ("ICR", "LSC"): 0x4, ("ICR", "RXO"): 0x40, ("RCTL", "EN"): 0x2, ("RCTL", "LPE"): 0x20,
    ("RCTL", "BAM"): 0x8000, ("RCTL", "BSEX"): 0x02000000, ("RCTL", "SECRC"): 0x04000000, ("TCTL", "EN"): 0x2,
    ("TCTL", "PSP"): 0x8, ("TCTL", "COLD"): 0x3FF000, ("RXCSUM", "TUOFL"): 0x200, ("RAH", "AV"): 0x80000000,
}  # fmt: skip


def test_offsets_are_the_familys() -> None:
    assert {name: em.REGISTERS[name].offset for name in OFFSETS} == OFFSETS


@pytest.mark.parametrize(("register", "field"), MASKS)
def test_masks_are_the_familys(register: str, field: str) -> None:
    assert em.REGISTERS[register][field].mask == MASKS[register, field]


def test_every_register_of_the_part_is_there_or_named_as_absent() -> None:
    """And in the right place; ringbed's own window is all that the part has not."""
    decided = {r.name: (r.offset, r.count, r.stride) for r in RegisterMap((*em.REGISTERS, *ABSENT))}
    part = {name: place if isinstance(place, tuple) else (place, 1, 4) for name, place in PART.items()}
    assert {name: place for name, place in decided.items() if not name.startswith("RB_")} == part


def test_a_dump_of_the_part_has_no_hole_but_management() -> None:
    there = {register.name for register in em.REGISTERS}
    assert [name for name in DUMP if name not in there] == ["MANC"]


def test_every_register_lies_in_the_bar() -> None:
    assert max(register.at(register.count - 1) for register in em.REGISTERS) < em.BAR_SIZE


@pytest.mark.parametrize(
    ("layout", "values", "data"),
    [
        (em.TX_LEGACY, {"address": 0x1122334455667788, "length": 0x99AA, "EOP": 1, "RS": 1, "CSO": 0xBB, "CSS": 0xCC},
         bytes.fromhex("8877665544332211 aa99 bb 09 00 cc 0000")),
        (em.TX_DATA, {"address": 1, "DTALEN": 0xABCDE, "DTYP": 1, "DEXT": 1, "IFCS": 1, "IXSM": 1, "TXSM": 1},
         bytes.fromhex("0100000000000000 debc1a 22 00 03 0000")),
        (em.TX_CONTEXT, {"IPCSS": 14, "IPCSO": 24, "IPCSE": 33, "TUCSS": 34, "TUCSO": 50, "TCP": 1, "IP": 1, "DEXT": 1},
         bytes.fromhex("0e18 2100 2232 0000 000000 23 00 00 0000")),
        (em.RX_LEGACY, {"length": 0x0102, "checksum": 0x0304, "DD": 1, "EOP": 1, "TCPCS": 1, "TCPE": 1},
         bytes.fromhex("0000000000000000 0201 0403 23 20 0000")),
    ],
)  # fmt: skip
def test_descriptors_byte_by_byte(layout: Layout, values: dict[str, int], data: bytes) -> None:
    assert layout.encode(**values) == data
    assert {name: value for name, value in layout.decode(data).items() if value} == values


def naive_verdict(ixsm: bool, ipcs: bool, tcpcs: bool, ipe: bool, tcpe: bool) -> tuple[str, str]:
    """The manual's table as sentences."""
    if ixsm:
        return "not checked", "not checked"
    l3 = ("bad" if ipe else "good") if ipcs else "not checked"
    l4 = ("bad" if tcpe else "good") if tcpcs else "not checked"
    return l3, l4


@pytest.mark.parametrize("bits", list(product((False, True), repeat=5)))
def test_the_verdict_is_the_manuals_table(bits: tuple[bool, bool, bool, bool, bool]) -> None:
    ixsm, ipcs, tcpcs, ipe, tcpe = bits
    written = em.RX_LEGACY.encode(DD=1, EOP=1, IXSM=ixsm, IPCS=ipcs, TCPCS=tcpcs, IPE=ipe, TCPE=tcpe)
    found = em.verdict(written[12], written[13])
    assert (found.l3, found.l4) == naive_verdict(*bits)


def test_not_checked_is_neither_good_nor_bad() -> None:
    assert (Verdict.NONE.l3, Verdict.NONE.l4) == ("not checked", "not checked")
    assert (Verdict.L3_BAD | Verdict.L4_GOOD).l3 == "bad"
    assert (Verdict.L3_BAD | Verdict.L4_GOOD).l4 == "good"


@pytest.mark.parametrize("card", page.CARDS.values(), ids=page.CARDS)
def test_the_page_in_docs_is_the_tables(card: page.Card) -> None:
    """Fails when a table changed and `make docs` was not run."""
    notes = (DOCS / f"{card.name}.notes.md").read_text(encoding="utf-8")
    assert (DOCS / f"{card.name}.md").read_text(encoding="utf-8") == page.page(card, notes), "run `make docs`"


def test_the_page_names_every_register_field_and_row() -> None:
    text = page.page(page.CARDS["em"], "")
    names = [r.name if r.count == 1 else f"{r.name}[{r.count}]" for r in (*em.REGISTERS, *ABSENT)]
    names += [register.name for register in PHY]
    assert [name for name in names if f" {name} |" not in text] == []
    assert [row.kind for row in em.RX_TABLE if f"| {row.kind} |" not in text] == []
    assert [field.name for field in em.TX_DATA.fields if f" {field.name} |" not in text] == []


def test_every_row_of_a_table_is_as_wide_as_its_head() -> None:
    for table in page.tables(page.CARDS["em"]):
        assert table.rows, table.title
        assert {len(row) for row in table.rows} == {len(table.columns)}, table.title


def test_pages_need_a_source_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "__file__", "/nowhere/site-packages/ringbed/hw/formats/page.py")
    with pytest.raises(FileNotFoundError, match="the pages are written in a source tree"):
        page.docs_folder()
