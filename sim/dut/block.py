"""A single block as its port map describes it, and the spec by which an engine runs it.

    [block]
    kind = "rx-checksum"                  # a contract of hw/formats/blocks.py, with its options beside: start = 14
    variant = "sum"
    quiet = 5000                          # clocks in which it may give nothing; 2000 if it does not say
    [block.command]                       # the port of each field; how wide it is, the Verilog says
    start = "csum_start"
    valid = "cmd_valid"                   # with ready: a handshake of its own; without both: with the first beat
    ready = "cmd_ready"
    [block.result]
    valid = "sum_valid"                   # high for one clock
    sum = "sum"

The block's streams are `[wire.rx]`, into it, and `[wire.tx]`, out of it. An engine sees both with data, keep, last,
valid and ready; a block without one of them has it for commands or results alone. docs/blocks.md has it all.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from ringbed.hw.formats.block_setup import BlockPorts, Setup, lanes_of
from ringbed.hw.formats.blocks import (
    COUNT_BITS,
    CUT_DONE,
    CUT_LATE,
    CUT_LATE_BITS,
    CUTS,
    KEY_BITS,
    KEYS,
    NOISE,
    NOISE_BITS,
    PAUSES,
    QUIET,
    RESTART,
    WRONGS,
    Contract,
    contract,
)
from ringbed.hw.formats.dut import IN, OUT, Dut
from ringbed.hw.formats.number import is_number
from ringbed.sim.dut.map import Reader
from ringbed.sim.dut.values import read_toml
from ringbed.sim.seam.portmap import Pin, PortMap, PortMapError, Reset, Wire
from ringbed.sim.seam.spec import NicSpec, Rtl

__all__ = ["BlockReader", "block_spec", "read_block", "reader_of"]

_HANDSHAKE = ("valid", "ready")
_NOT_OF_A_BLOCK = ("registers", "dma", "interrupts", "pins", "clocks", "pci")
_KEYS = ("kind", "variant", "types", "key", "key_bits", "key_port", "quiet", "command", "result")


def read_block(path: Path) -> tuple[Dut, Rtl, BlockPorts]:
    """Raises PortMapError for the first thing that is wrong, BuildError when Verilator does not take the sources."""
    reader = BlockReader(path)
    if reader.problems or reader.block is None:
        raise PortMapError(f"{path}: {reader.problems[0]}")
    return reader.dut, reader.rtl, reader.block


def reader_of(path: Path) -> Reader:
    """The reader for a map of a whole NIC, or of a block if it has a `[block]`. Raises what the readers do."""
    return BlockReader(path) if "block" in read_toml(path) else Reader(path)


class BlockReader(Reader):
    """Reads the map of a block. `block` is None when there are problems with it."""

    uses = "stream, command, clock or reset"

    def _dut(self) -> Dut:
        if "block" not in self.data:
            raise PortMapError(f"{self.path}: no [block] in this map: it says of which kind the block is")
        for name in _NOT_OF_A_BLOCK:
            if name in self.data:
                self._problem(f"{name}: a block has none; an input that is not in its contract is held by ties")
        for way, table in self._table("wire").items():
            if isinstance(table, dict) and table.get("fcs") is True:
                self._problem(f"wire.{way}.fcs: a block's frames have no FCS")
        dut = super()._dut()
        if self.block is not None and not self.doubtful:
            try:
                lanes = lanes_of(self.block.setup.contract, dut.rx, dut.tx)
                self.block = replace(self.block, setup=replace(self.block.setup, lanes=lanes))
            except ValueError as error:
                self._problem(str(error))
        return dut

    def _ties(self) -> dict[str, tuple[int, int]]:
        self.block = self._block(self._table("block"))  # first, so that its ports are known to be in use
        return super()._ties()

    def _block(self, table: dict[str, Any]) -> BlockPorts | None:
        try:
            found = contract(str(table.get("kind", "")), str(table.get("variant", "")))
            widths: dict[str, int] = {}
            command, result = (self._fields(found, table, word, widths) for word in ("command", "result"))
            taken = self._handshake(table, "command", "valid", IN), self._handshake(table, "command", "ready", OUT)
            given, quiet = self._handshake(table, "result", "valid", OUT), table.get("quiet", QUIET)
            key_port, bits = table.get("key_port", ""), table.get("key_bits", KEY_BITS)
            if not isinstance(key_port, str):
                raise ValueError(f"block.key_port must be the name of a port, not {key_port!r}")
            if key_port and is_number(bits, KEYS):  # Setup says of others what is wrong with them
                self._port(key_port, "block.key_port", bits, IN)
            options, types = {name: value for name, value in table.items() if name not in _KEYS}, table.get("types", {})
            if not isinstance(types, dict):
                raise ValueError(f"block.types must be a table, not {types!r}")
            setup = Setup(found, widths, options, types, _key(table), bits)
            return BlockPorts(setup, command, result, *taken, given, key_port, quiet)
        except ValueError as error:
            self._problem(str(error) if str(error).startswith("block.") else f"block: {error}")
            return None

    def _fields(self, found: Contract, table: dict[str, Any], word: str, widths: dict[str, int]) -> dict[str, str]:
        """The ports of the command or the result, by field; their widths are added to `widths`."""
        layout, entries = found.command if word == "command" else found.result, self._of(table, word)
        known = {field.name: field.width for field in layout.fields} if layout else {}
        if word == "result" and "ready" in entries:
            raise ValueError("block.result: a result has no ready; hold such an input at 1 by ties")
        ports = {name: port for name, port in entries.items() if name not in _HANDSHAKE}
        for name, port in ports.items():
            if name not in known:
                raise ValueError(f"{found.name} has no {word} field {name!r}; it has {', '.join(known) or 'none'}")
            if not isinstance(port, str):
                raise ValueError(f"{word}.{name} must be the name of a port, not {port!r}")
            if not port:
                raise ValueError(f"{word}.{name} names no port; leave out what the block has none for")
            widths[name] = self.ports[port].width if port in self.ports else known[name]
            self._port(port, f"block.{word}.{name}", widths[name], IN if word == "command" else OUT)
        return ports

    def _handshake(self, table: dict[str, Any], word: str, name: str, way: str) -> str:
        port = self._of(table, word).get(name, "")
        if not isinstance(port, str):
            raise ValueError(f"{word}.{name} must be the name of a port, not {port!r}")
        return self._port(port, f"block.{word}.{name}", 1, way) if port else ""

    @staticmethod
    def _of(table: dict[str, Any], word: str) -> dict[str, Any]:
        found = table.get(word, {})
        if not isinstance(found, dict):
            raise ValueError(f"{word} must be a table, not {found!r}")
        return found


def _key(table: dict[str, Any]) -> bytes:
    try:
        return bytes.fromhex(table.get("key", ""))
    except (TypeError, ValueError):
        raise ValueError(f"key must be hexadecimal digits, two a byte, not {table['key']!r}") from None


def block_spec(dut: Dut, rtl: Rtl, block: BlockPorts) -> NicSpec:
    """What an engine needs to run the block behind the canonical streams."""

    def elaborate() -> Any:
        from ringbed.hw.dut.block import BlockWrapper  # Amaranth is slow to import, and a cached model needs none of it

        return BlockWrapper(dut, block)

    width, name = 8 * lanes_of(block.setup.contract, dut.rx, dut.tx), f"block_{dut.plain_name}"
    portmap = PortMap(
        name, "clk", Reset("rst", clocks=dut.reset_clocks, wait=dut.reset_wait),
        rx=Wire("rx_", width, into=True, ready=True),
        tx=Wire("tx_", width, into=False, ready=dut.tx is None or dut.tx.ready),
        pins=(*(Pin(name, 1, IN) for name in (*PAUSES.values(), RESTART)), Pin(NOISE, NOISE_BITS, IN),
              *(Pin(name, COUNT_BITS, IN) for name in CUTS.values()), Pin(CUT_LATE, CUT_LATE_BITS, IN),
              *(Pin(name, COUNT_BITS, OUT) for name in WRONGS), Pin(CUT_DONE, 1, OUT)),
    )  # fmt: skip
    sources = (Path(str(files("ringbed.hw") / "__init__.py")).parent,)
    return NicSpec(name, elaborate, portmap, {"dut": repr(dut), "block": repr(block)}, sources, rtl)
