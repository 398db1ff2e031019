"""The table `[pci]` of a map: what it comes to, and a sentence for each thing that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ringbed.drivers.world import BarKind, MsixPlace, PciIdentity
from ringbed.sim.dut.block import BlockReader
from ringbed.sim.dut.map import Reader
from ringbed.sim.dut.pci import told
from ringbed.sim.dut.verilog.ports import Top
from ringbed.sim.seam.pci import ConfigSpace
from ringbed.sim.seam.portmap import Port
from tests.sim.dut.test_map import APB, APB_MAP, EXAMPLE, HEAD, PORTS

IDS = "[pci]\nvendor = 0x1234\ndevice = 1\n"
LINES = "[interrupts]\nport = 'irq'\nwidth = 4\n"
MSIX_BARS = "bars.0 = { size = 256 }\nbars.2 = { size = 0x1000 }\n"
Read = Callable[[str], Reader]


def top(lines: int = 4) -> Top:
    return Top({port.name: port for port in (*PORTS, *APB, Port("irq", lines, "out"))})


@pytest.fixture
def reader(tmp_path: Path) -> Read:
    (tmp_path / "t.v").touch()

    def make(text: str) -> Reader:
        path = tmp_path / "t.toml"
        path.write_text(HEAD + text)
        return Reader(path, ask=lambda *_: top())

    return make


def identity(found: Reader) -> PciIdentity:
    assert found.problems == []
    assert found.pci is not None
    ConfigSpace(found.pci)  # what the reader lets through, configuration space can be made of
    return found.pci


def test_the_examples() -> None:
    assert identity(Reader(EXAMPLE)) == PciIdentity(
        0x1234, 1, 0, 0x020000, (0x100, 0, 0x1000), "msix", vectors=1, kinds=(BarKind.MEMORY,) * 3, pin=1,
        msix=MsixPlace(2, 0, 0x800),
    )  # fmt: skip


def test_little_need_be_said(reader: Read) -> None:
    least = identity(reader(IDS + LINES + APB_MAP))
    assert least == PciIdentity(0x1234, 1, 0, 0x020000, (256,), "intx", kinds=(BarKind.MEMORY,), pin=1)
    assert identity(reader(IDS + APB_MAP)).pin == 0  # without lines
    assert reader(APB_MAP).pci is None


@pytest.mark.parametrize(("bits", "size"), [(4, 16), (20, 1 << 20), (32, 1 << 31)])
def test_bar_0_is_as_large_as_the_registers_or_as_it_can_be(reader: Read, bits: int, size: int) -> None:
    found = reader(IDS + APB_MAP.replace("= 8", f"= {bits}"))
    assert found.pci is not None
    assert found.pci.bars == (size,)
    ConfigSpace(found.pci)


def test_registers_of_which_no_bar_in_memory_could_be(reader: Read) -> None:
    map_of_few = APB_MAP.replace("= 8", "= 3")
    assert [problem for problem in reader(IDS + map_of_few).problems if problem.startswith("pci")] == [
        "pci.bars is missing: 8 bytes of registers are too few for one in memory, and one of kind io has 4 or more"
    ]
    said = reader(IDS + "bars.0 = { kind = 'io', size = 8 }\n" + map_of_few).problems
    assert [problem for problem in said if problem.startswith("pci")] == []


def test_all_can_be_said(reader: Read) -> None:
    ids = "class = 0x020001\nrevision = 3\nsubsystem_vendor = 0x5678\nsubsystem = 0x9abc\npin = 'C'\nmsi = 4\n"
    bars = (
        "[pci.bars.0]\nkind = 'io'\nsize = 0x80\n[pci.bars.1]\nkind = 'memory64'\nsize = 256\nprefetchable = true\n"
        "[pci.bars.5]\nsize = 16\n"
    )
    found = identity(reader(IDS + ids + bars + LINES + APB_MAP))
    wide = BarKind.WIDE | BarKind.PREFETCHABLE
    kinds = BarKind.IO, wide, *[BarKind.MEMORY] * 4
    assert found == PciIdentity(
        0x1234, 1, 3, 0x020001, (0x80, 256, 0, 0, 0, 16), "msi", vectors=4, subsystem_vendor=0x5678, subsystem=0x9ABC,
        kinds=kinds, pin=3,
    )  # fmt: skip
    assert told(found) == (
        "1234:0001, class 020001, BAR 0 io 0x80, BAR 1 prefetchable memory64 0x100, BAR 5 memory 0x10, INTC#, "
        "msi 4 vectors"
    )
    assert told(identity(reader(IDS + APB_MAP))) == "1234:0001, class 020000, BAR 0 memory 0x100"


def test_the_pending_bits_lie_behind_the_table_if_nothing_is_said(reader: Read) -> None:
    found = identity(reader(IDS + "msix = { vectors = 5, bar = 2 }\npin = 'none'\n" + MSIX_BARS + LINES + APB_MAP))
    assert (found.vectors, found.msix, found.pin) == (5, MsixPlace(2, 0, 80), 0)
    assert [found.has_registers(bar) for bar in range(4)] == [True, False, False, False]


def test_both_kinds_and_a_table_among_the_registers(reader: Read) -> None:
    """In a BAR that is larger than they reach; or in no larger one."""
    table = "msi = 8\nmsix = { vectors = 4, bar = 0, table = 0x800, registers = true }\nbars.0 = { size = 0x1000 }\n"
    found = identity(reader(IDS + table + LINES + APB_MAP))
    assert (found.interrupt, found.vectors, found.msi_vectors) == ("msix", 4, 8)
    assert (found.msix, found.has_registers(0)) == (MsixPlace(0, 0x800, 0x840, 256), True)
    assert told(found).endswith("BAR 0 memory 0x1000, INTA#, msi 8 vectors, msix 4 vectors")
    small = identity(reader(IDS + "msix = { vectors = 4, bar = 0, registers = true }\n" + LINES + APB_MAP))
    assert (small.bars, small.msix, small.msi_vectors) == ((256,), MsixPlace(0, 0, 64, 256), 0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[pci]\ndevice = 1\n", "pci.vendor is missing"),
        ("[pci]\nvendor = 1\n", "pci.device is missing"),
        ("[pci]\nvendor = 0xffff\ndevice = 1\n", "pci.vendor must be 1 to 65534, not 65535"),
        ("[pci]\nvendor = 1\ndevice = 0x10000\n", "pci.device must be 0 to 65535, not 65536"),
        (IDS + "class = 'net'\n", "pci.class must be 0 to 16777215, not 'net'"),
        (IDS + "revision = 256\n", "pci.revision must be 0 to 255, not 256"),
        (IDS + "subsystem = -1\n", "pci.subsystem must be 0 to 65535, not -1"),
        (IDS + "subsystem_vendor = true\n", "pci.subsystem_vendor must be 0 to 65535, not True"),
        (
            IDS + "bar = 1\n",
            (
                "unknown key pci.bar; there is bars, class, device, msi, msix, pin, revision, subsystem, "
                "subsystem_vendor, vendor"
            ),
        ),
        (IDS + "pin = 'E'\n", "pci.pin must be 'A' or 'B' or 'C' or 'D' or 'none', not 'E'"),
        (IDS + "bars = 5\n", "pci.bars: must be a table, not 5"),
        (IDS + "bars = {}\n", "pci.bars: none of them is left for the registers"),
        (IDS + "bars.6 = { size = 16 }\n", "pci.bars.6: a card has BARs 0 to 5"),
        (IDS + "bars.0 = 5\n", "pci.bars.0 must be a table, not 5"),
        (
            IDS + "bars.0 = { size = 256, space = 1 }\n",
            ("unknown key pci.bars.0.space; there is kind, prefetchable, size"),
        ),
        (
            IDS + "bars.0 = { size = 256, kind = 'mem' }\n",
            ("pci.bars.0.kind must be 'memory' or 'memory64' or 'io', not 'mem'"),
        ),
        (IDS + "bars.0 = { }\n", "pci.bars.0.size is missing"),
        (IDS + "bars.0 = { size = 100 }\n", "pci.bars.0.size must be a power of two, 16 to 2147483648, not 100"),
        (IDS + "bars.0 = { size = 8 }\n", "pci.bars.0.size must be a power of two, 16 to 2147483648, not 8"),
        (IDS + "bars.0 = { size = 2, kind = 'io' }\n", "pci.bars.0.size must be a power of two, 4 to 256, not 2"),
        (IDS + "bars.0 = { size = 512, kind = 'io' }\n", "pci.bars.0.size must be a power of two, 4 to 256, not 512"),
        (
            IDS + "bars.0 = { size = 512 }\n",
            ("pci.bars.0.size 512 is more than the 256 bytes that registers.addr_width reaches"),
        ),
        (IDS + "bars.0 = { size = 256, prefetchable = 1 }\n", "pci.bars.0.prefetchable must be true or false, not 1"),
        (IDS + "bars.0 = { size = 16, kind = 'io', prefetchable = true }\n", "pci.bars.0.prefetchable is for memory"),
        (
            IDS + "bars.5 = { size = 16, kind = 'memory64' }\n",
            ("pci.bars.5 is memory64, and there is no BAR 6 for its upper half"),
        ),
        (
            IDS + "bars.1 = { size = 16, kind = 'memory64' }\nbars.2 = { size = 16 }\n",
            ("pci.bars.2 is the upper half of BAR 1, which is memory64"),
        ),
        (IDS + "msi = 3\n", "pci.msi must be one of 1, 2, 4, 8, 16, 32, not 3"),
        (IDS + "msi = 2\n", "pci.msi 2 is fewer than the 4 lines of [interrupts]: line n is vector n"),
        (
            IDS + "msi = 2\nmsix = { vectors = 4, bar = 2 }\n" + MSIX_BARS,
            "pci.msi 2 is fewer than the 4 lines of [interrupts]: line n is vector n",
        ),
        (
            IDS + "msix = { vectors = 4, bar = 2, registers = 1 }\n" + MSIX_BARS,
            "pci.msix.registers must be true or false, not 1",
        ),
        (IDS + "msix = 4\n", "pci.msix must be a table, not 4"),
        (
            IDS + "msix = { vectors = 4, bar = 2, at = 0 }\n" + MSIX_BARS,
            ("unknown key pci.msix.at; there is bar, pba, registers, table, vectors"),
        ),
        (IDS + "msix = { bar = 2 }\n" + MSIX_BARS, "pci.msix.vectors is missing"),
        (IDS + "msix = { vectors = 2049, bar = 2 }\n" + MSIX_BARS, "pci.msix.vectors must be 1 to 2048, not 2049"),
        (
            IDS + "msix = { vectors = 1, bar = 2 }\n" + MSIX_BARS,
            ("pci.msix.vectors 1 is fewer than the 4 lines of [interrupts]: line n is vector n"),
        ),
        (IDS + "msix = { vectors = 4 }\n" + MSIX_BARS, "pci.msix.bar is missing"),
        (IDS + "msix = { vectors = 4, bar = 6 }\n" + MSIX_BARS, "pci.msix.bar must be 0 to 5, not 6"),
        (IDS + "msix = { vectors = 4, bar = 3 }\n" + MSIX_BARS, "pci.msix.bar 3 is not among pci.bars"),
        (
            IDS + "msix = { vectors = 4, bar = 1 }\nbars.0 = { size = 256 }\nbars.1 = { size = 256, kind = 'io' }\n",
            "pci.msix.bar 1 is in I/O space, and MSI-X is in memory",
        ),
        (IDS + "msix = { vectors = 4, bar = 0 }\n", "pci.bars: none of them is left for the registers"),
        (
            IDS + "msix = { vectors = 4, bar = 2, table = 4 }\n" + MSIX_BARS,
            ("pci.msix.table must be a multiple of 8 in its BAR, not 4"),
        ),
        (
            IDS + "msix = { vectors = 4, bar = 2, pba = -8 }\n" + MSIX_BARS,
            ("pci.msix.pba must be a multiple of 8 in its BAR, not -8"),
        ),
        (
            IDS + "msix = { vectors = 4, bar = 2, table = 0xfd0 }\n" + MSIX_BARS,
            ("pci.msix.table ends at 4112, and BAR 2 has 4096 bytes"),
        ),
        (
            IDS + "msix = { vectors = 4, bar = 2, pba = 4096 }\n" + MSIX_BARS,
            ("pci.msix.pba ends at 4104, and BAR 2 has 4096 bytes"),
        ),
        (
            IDS + "msix = { vectors = 4, bar = 2, table = 8, pba = 64 }\n" + MSIX_BARS,
            ("pci.msix: the table, 8 to 72, and pba, from 64 on, overlap"),
        ),
    ],
)
def test_each_mistake_is_one_sentence(reader: Read, text: str, sentence: str) -> None:
    found = reader(text + LINES + APB_MAP)
    assert found.problems == [sentence]
    assert (found.pci, "pci" in found.unclear) == (None, True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("pin = 'A'\n" + APB_MAP, "pci.pin 'A': the map has no [interrupts], and a pin is for these"),
        ("msi = 1\n" + APB_MAP, "pci.msi: the map has no [interrupts], and a vector is a line of these"),
        ("bars.0 = { size = 16 }\n", "pci.bars: this map has no registers, and a BAR shows them"),
        ("", "pci.bars: this map has no registers, and a BAR shows them"),
    ],
)
def test_what_the_map_has_nothing_for(reader: Read, text: str, sentence: str) -> None:
    assert sentence in reader(IDS + text).problems


def test_pci_that_is_no_table(reader: Read) -> None:
    assert "pci must be a table, not 5" in reader("pci = 5\n" + APB_MAP).problems


@pytest.mark.parametrize("wrong", [("addr_width = 8", "addr_width = 'a'"), ("width = 4", "width = 0")])
def test_of_what_is_not_clear_nothing_is_said(reader: Read, wrong: tuple[str, str]) -> None:
    """A BAR larger than the registers, and vectors fewer than the lines: but how large, and how many?"""
    text = (IDS + "msi = 1\nbars.0 = { size = 256 }\n" + LINES + APB_MAP).replace(*wrong)
    said = [problem for problem in reader(text).problems if "pci" in problem]
    assert said == (
        ["pci.msi 1 is fewer than the 4 lines of [interrupts]: line n is vector n"] if "a" in wrong[1] else []
    )


def test_without_a_bar_it_is_as_the_registers_are(reader: Read) -> None:
    """Also where these are not clear: what is wrong with them is said, and nothing of BARs."""
    for wrong in (("addr_width = 8", "addr_width = 'a'"), ("'x'", "'x'")):
        found = reader((IDS + APB_MAP).replace(*wrong))
        assert not [problem for problem in found.problems if "pci" in problem]


def test_a_block_is_no_card(tmp_path: Path) -> None:
    (tmp_path / "t.v").touch()
    (tmp_path / "t.toml").write_text(HEAD + "[block]\nkind = 'rx-checksum'\n[pci]\nvendor = 1\ndevice = 1\n")
    found = BlockReader(tmp_path / "t.toml", ask=lambda *_: top())
    assert any(problem.startswith("pci: a block has none") for problem in found.problems)
