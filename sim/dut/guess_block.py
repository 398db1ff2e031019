"""The port map of a single block to begin with: streams as `guess` finds them, commands and results by name.

A port is taken for a field of the contract when its name is the field's, alone or behind words that say no more than
whose it is (`csum_start` for `start`), or that another field's port has too (`q_hdr_start` and `q_hdr_offset`): a part
of a name is no name, `ip_fragment_offset` is no sum's. What has no such port gets a line that is commented out, with
the first free port that is as wide as the contract says: a guess that a person must look at. Those ports are in no
other table, so that the line may be put in as it is. Of the other ports inputs are held by ties, but for those beside a
stream; outputs stay open: a block has no pins, registers, interrupts or second clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ringbed.hw.formats.blocks import KEY_BITS, Contract, Option
from ringbed.hw.formats.dut import IN, OUT
from ringbed.hw.formats.field import Field, Layout
from ringbed.hw.formats.literal import Parameter
from ringbed.hw.formats.number import several
from ringbed.sim.dut.buses import Found
from ringbed.sim.dut.guess import NAMED, Guess
from ringbed.sim.dut.names import words
from ringbed.sim.dut.toml import quoted, shown
from ringbed.sim.seam.portmap import Port

__all__ = ["BlockGuess"]

KEY_OF_THE_VECTORS = "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa"
ALSO = {"valid": ("valid", "vld"), "ready": ("ready", "rdy")}
HANDSHAKE = {
    "valid": Field("valid", 0, 1, doc="high while there is a command; with ready"),
    "ready": Field("ready", 0, 1, doc="high while the block takes it; with valid"),
}
RESULT_VALID = Field("valid", 0, 1, doc="high for one clock with the result")
# what may stand before a field's name, beside single letters and the words of the module's own name
WHOSE = frozenset((
    "axis", "calc", "cfg", "checksum", "chksum", "cksum", "cmd", "command", "csum", "ctl", "ctrl", "desc", "gso",
    "hash", "inst", "lso", "meta", "req", "res", "resp", "result", "rss", "rsp", "rx", "sb", "seg", "segment",
    "sideband", "sum", "toeplitz", "tso", "tx", "uso",
))  # fmt: skip


class BlockGuess(Guess):
    """`fields` are the ports of "command" and "result", by field, "valid" and "ready" among them where there are.

    `maybe` has ports as well, in the order of likelihood, for what no port is called after.
    """

    unknown = Guess.unknown[:1]  # a block's frames have no FCS
    tied = "# inputs of no stream or command are held at a value"

    def __init__(self, top: str, ports: Mapping[str, Port], contract: Contract) -> None:
        self.contract = contract
        super().__init__(top, ports)
        self.clocks, self.line, self.held = self.clocks[:1], None, set[str]()
        dropped = self._fit_streams()
        used = {port.name for found in self.buses.values() for port in found.ports.values()}
        used |= {port.name for port in (*self.clocks, *self.resets, *dropped)}
        self.rest = [port for port in ports.values() if port.name not in used]
        self.key_port = self._key_port() if contract.key else None
        self.rest = [port for port in self.rest if port is not self.key_port]
        self.fields: dict[str, dict[str, Port]] = {"command": {}, "result": {}}
        self.maybe: dict[str, dict[str, list[Port]]] = {"command": {}, "result": {}}
        for take in (self._by_name, self._by_width):  # no guess takes a port that is called after something
            for word, layout in self._layouts():
                for field, way in self._wanted(word, layout):
                    take(word, field, way)
        self.rest += dropped

    def _tables(self) -> Iterator[tuple[str, Iterable[str], bool]]:
        for table, kinds, into in super()._tables():
            there = {"wire.rx": self.contract.stream_in, "wire.tx": self.contract.stream_out is not False}
            if there.get(table, False):
                yield table, kinds, into

    def _fit_streams(self) -> list[Port]:
        """The ports of the stream out that a block cannot have: nothing may be stopped behind what cannot be.

        That is what `lanes_of` asks; such a tready is held at 1, or the whole stream left open.
        """
        rx, tx = self.buses.get("wire.rx"), self.buses.get("wire.tx")
        runs = rx is not None and not rx.bus.ready
        if tx is None or not (runs or (self.contract.result and not tx.bus.ready)):
            return []
        dropped = {name: port for name, port in tx.ports.items() if self.contract.result or name == "tready"}
        self.held = {port.name for name, port in dropped.items() if name == "tready"}
        if self.contract.result:
            del self.buses["wire.tx"]
            self.notes.append("wire.tx is left out: it, or wire.rx, has no ready, and results follow its frames")
        else:
            ports = {name: port for name, port in tx.ports.items() if name not in dropped}
            self.buses["wire.tx"] = Found(replace(tx.bus, ready=False), tx.prefix, ports, ())
        return list(dropped.values())

    # ---- commands and results ----

    def _key_port(self) -> Port | None:
        """The first that is called so, else the first that is as wide: bytes, and enough of them."""
        wide = [each for each in self.rest if each.dir == IN and each.width >= KEY_BITS and each.width % 8 == 0]
        called = [port for port in wide if "key" in words(port.name)]
        return next(iter([*called, *(port for port in wide if port.width == KEY_BITS)]), None)

    def _layouts(self) -> Iterator[tuple[str, Layout]]:
        for word, layout in (("command", self.contract.command), ("result", self.contract.result)):
            if layout is not None:
                yield word, layout

    def _wanted(self, word: str, layout: Layout) -> Iterator[tuple[Field, str]]:
        """What a block may have a port for, each with its direction."""
        yield from ((field, IN if word == "command" else OUT) for field in layout.fields)
        yield from (
            ((HANDSHAKE["valid"], IN), (HANDSHAKE["ready"], OUT)) if word == "command" else ((RESULT_VALID, OUT),)
        )

    def _by_name(self, word: str, field: Field, way: str) -> None:
        for port in self.rest:
            if _fits(port, field, way) and self._named(port, word, field.name):
                self.fields[word][field.name] = port
                self.rest.remove(port)
                return

    def _named(self, port: Port, word: str, name: str) -> bool:
        """Whether a port is called after a field, in front of which is nothing of its own."""
        front = _front(port, name)
        if front is None:
            return False
        fields = [field.name for field, _ in self._wanted(word, dict(self._layouts())[word])]
        others = (_front(other, field) for other in self.ports.values() for field in fields if field != name)
        return all(len(each) == 1 or each in WHOSE or each in words(self.top) for each in front) or front in others

    def _by_width(self, word: str, field: Field, way: str) -> None:
        """The widest of those that fit, and of as wide ones the first; beside it the others."""
        if field.name in self.fields[word] or not self._needed(word, field):
            return
        fitting = sorted((port for port in self.rest if _fits(port, field, way)), key=lambda port: -port.width)
        if fitting:
            self.maybe[word][field.name] = fitting
            self.rest.remove(fitting[0])

    def _needed(self, word: str, field: Field) -> bool:
        """A command with frames needs valid and ready only when it has one of them."""
        if word == "command" and field.name in HANDSHAKE:
            return not self.contract.stream_in or any(name in self.fields[word] for name in HANDSHAKE)
        return field.name not in self.contract.optional

    # ---- the map ----

    def _lines(self, lists: Mapping[str, Sequence[str]], parameters: Mapping[str, Parameter]) -> Iterator[str]:
        lines = list(super()._lines(lists, parameters))
        first = next((number for number, line in enumerate(lines) if line.startswith("[")), len(lines) + 1)
        yield from lines[: first - 1]
        yield from self._block()
        yield from lines[first - 1 :]

    def _block(self) -> Iterator[str]:
        yield from ("", "[block]", f"kind = {quoted(self.contract.block)}")
        if self.contract.variant:
            yield f"variant = {quoted(self.contract.variant)}"
        for option in self.contract.options:
            yield f"# {option.name} = {_default(option)}  # {option.doc}"
        if self.contract.key:
            bits = self.key_port.width if self.key_port is not None else KEY_BITS
            text = KEY_OF_THE_VECTORS.ljust(bits // 4, "0")
            yield f"key = {quoted(text)}  # what the block has, here that of Microsoft's vectors"
            yield from (f"key_bits = {bits}",) if bits != KEY_BITS else ()
        if self.key_port is not None:
            yield f"key_port = {quoted(self.key_port.name)}"
        for word, layout in self._layouts():
            yield from ("", f"[block.{word}]")
            yield from (self._field(word, field) for field, _ in self._wanted(word, layout))

    def _field(self, word: str, field: Field) -> str:
        bits = several(field.width, "bit")
        if field.name in self.fields[word]:
            return f"{field.name} = {quoted(self.fields[word][field.name].name)}"
        if not self._needed(word, field):
            return f"# {field.name} may be absent, and no port is called so: {bits}, {field.doc}"
        if field.name not in self.maybe[word]:
            return f'# {field.name} = ""  # {bits}: {field.doc}'
        first, *others = (port.name for port in self.maybe[word][field.name])
        tied = {port.name for port in self.rest if port.dir == IN}
        guess = "a guess by its width" + "".join(
            f", or {shown(name)}{' (then out of ties)' if name in tied else ''}" for name in others
        )
        return f"# {field.name} = {quoted(first)}  # {guess}; {bits}: {field.doc}"

    def beside(self, port: Port) -> str:
        return "" if port.name in self.held else super().beside(port)

    def _tie(self, port: Port) -> int:
        return int(port.name in self.held)

    def _pins(self, outputs: Sequence[Port]) -> Iterator[str]:
        if outputs:
            named = ", ".join(shown(port.name) for port in outputs[:NAMED])
            more = f" and {len(outputs) - NAMED} more" if len(outputs) > NAMED else ""
            yield from ("", f"# outputs of no stream or result stay open: {named}{more}")


def _fits(port: Port, field: Field, way: str) -> bool:
    """Whether the contract lets a port be so wide: one of a command, and a type, may be narrower, to two bits."""
    narrower = (way == IN and field.width < KEY_BITS) or field.name == "type"
    return port.dir == way and (
        port.width == field.width or (narrower and min(2, field.width) <= port.width <= field.width)
    )


def _front(port: Port, name: str) -> tuple[str, ...] | None:
    """The words of a port's name in front of a field's, None where it is not called after it."""
    spelled = words(port.name)
    for called in ALSO.get(name, (name,)):
        behind = called.split("_")
        if spelled[-len(behind) :] == behind:
            return tuple(spelled[: -len(behind)])
    return None


def _default(option: Option) -> str:
    """As TOML has it."""
    if option.name == "types":
        return "{}"
    return quoted(option.allowed[0]) if option.allowed else "false" if option.flag else str(option.default)
