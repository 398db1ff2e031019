"""The port map of a single block to begin with: streams as `dut_guess` finds them, commands and results by name.

A port is taken for a field of the contract when its name is the field's, or ends with it: `csum_start` for `start`.
What has no such port is left open in the map, with what the contract says of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ringbed.hw.formats.blocks import Contract
from ringbed.hw.formats.dut import IN, OUT
from ringbed.hw.formats.field import Layout
from ringbed.sim.dut_guess import Guess, forms, quoted
from ringbed.sim.portmap import Port

__all__ = ["BlockGuess"]

KEY_OF_THE_VECTORS = "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa"


class BlockGuess(Guess):
    """`fields` are the ports of "command" and "result", by field; "valid" and "ready" among them where there are."""

    unknown = Guess.unknown[:1]  # a block's frames have no FCS

    def __init__(self, top: str, ports: Mapping[str, Port], contract: Contract) -> None:
        super().__init__(top, ports)
        self.contract = contract
        self.fields: dict[str, dict[str, Port]] = {}
        self._take("command", contract.command, IN, {"valid": IN, "ready": OUT})
        self._take("result", contract.result, OUT, {"valid": OUT})

    def _take(self, word: str, layout: Layout | None, way: str, handshake: Mapping[str, str]) -> None:
        if layout is None:
            return
        found = self.fields[word] = {}
        wanted = [(field.name, way) for field in layout.fields] + list(handshake.items())
        for name, direction in wanted:
            port = next((port for port in self.rest if port.dir == direction and _named(port, name)), None)
            if port is not None:
                found[name] = port
                self.rest.remove(port)

    def _lines(self, sources: Sequence[str], include: Sequence[str]) -> Iterator[str]:
        lines = list(super()._lines(sources, include))
        first = next((number for number, line in enumerate(lines) if line.startswith("[")), len(lines))
        yield from lines[: first - 1] if first < len(lines) else lines
        yield from self._block()
        yield from lines[first - 1 :] if first < len(lines) else ()

    def _block(self) -> Iterator[str]:
        yield from ("", "[block]", f"kind = {quoted(self.contract.block)}")
        if self.contract.variant:
            yield f"variant = {quoted(self.contract.variant)}"
        for option in self.contract.options:
            value = quoted(option.allowed[0]) if option.allowed else "{}" if option.name == "types" else option.default
            yield f"# {option.name} = {value}  # {option.doc}"
        if self.contract.key:
            yield f"key = {quoted(KEY_OF_THE_VECTORS)}  # what the block has, here that of Microsoft's vectors"
        for word, layout in (("command", self.contract.command), ("result", self.contract.result)):
            if layout is not None:
                yield from self._table(word, layout)

    def _table(self, word: str, layout: Layout) -> Iterator[str]:
        found = self.fields[word]
        yield from ("", f"[block.{word}]")
        for field in layout.fields:
            if field.name in found:
                yield f"{field.name} = {quoted(found[field.name].name)}"
            else:
                may = ", may be absent" if field.name in self.contract.optional else ""
                yield f'# {field.name} = ""  # {field.width} {"bit" if field.width == 1 else "bits"}{may}: {field.doc}'
        for name in ("valid", "ready"):
            if name in found:
                yield f"{name} = {quoted(found[name].name)}"
        if word == "result" and "valid" not in found:
            yield '# valid = ""  # high for one clock with the result'


def _named(port: Port, name: str) -> bool:
    return any(form == name or form.endswith("_" + name) for form in forms(port.name))
