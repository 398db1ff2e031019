"""One block as its port map describes it: which of its contract's fields it has ports for, and what it chose.

A contract leaves a designer some freedom (hw/formats/blocks.py); a `Setup` is that contract with the freedom used up.
The wrapper is built from it and the ready tests ask from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ringbed.hw.formats.blocks import KEY_BITS, KEYS, QUIET, Block, CommandTiming, Contract, HashKind
from ringbed.hw.formats.dut import Bus, Keep
from ringbed.hw.formats.field import Field
from ringbed.hw.formats.number import is_number

__all__ = ["BlockPorts", "Setup", "lanes_of"]

LANES_WITHOUT_STREAM = 8


@dataclass(frozen=True)
class Setup:
    """`widths`: bits of the ports for the command's and the result's fields, by field; left out: those of the contract.

    `options`, `types` (`ipv4-tcp` to the block's own code) and `key` as in the map's `[block]`; `key` has key_bits / 8
    bytes. `lanes`: bytes of a beat of its streams: where questions have their edges; it is nothing of the wrapper's.
    Raises ValueError with a sentence about the first thing that does not fit the contract. A command's port may be
    narrower than its field, a result's only for `type`: what must come out has room.
    """

    contract: Contract
    widths: Mapping[str, int] | None = None
    options: Mapping[str, str | int] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)
    key: bytes = b""
    key_bits: int = KEY_BITS
    lanes: int = field(default=LANES_WITHOUT_STREAM, repr=False)

    def __post_init__(self) -> None:
        self._check_widths()
        self._check_options()
        if not self.contract.key:
            if self.types or self.key or self.key_bits != KEY_BITS:
                raise ValueError(f"{self.contract.name} has no {'types' if self.types else 'key'}")
            return
        if not is_number(self.key_bits, KEYS):
            bits = f"a multiple of 8 from {KEYS[0]} to {KEYS[-1]}"
            raise ValueError(f"block.key_bits must be {bits}, not {self.key_bits!r}")
        if len(self.key) != self.key_bits // 8:
            raise ValueError(f"{self.contract.name} needs a key of {self.key_bits // 8} bytes, not {len(self.key)}")
        self._check_types()

    def _check_types(self) -> None:
        for word, code in self.types.items():
            if word not in [kind.word for kind in HashKind if kind]:
                raise ValueError(f"block.types: {word!r} is no type of hash; "
                                 f"there is {', '.join(kind.word for kind in HashKind if kind)}")  # fmt: skip
            if not is_number(code) or code < 0:
                raise ValueError(f"block.types: the code of {word} must be a number, not {code!r}")
        if len(set(self.types.values()) | {0}) != len(self.types) + 1:
            raise ValueError("block.types: the codes must differ from one another and from 0, which is no hash")
        for word, code in self.codes.items():
            kind = HashKind[word.replace("-", "_").upper()]
            address, port = 128 if kind >= HashKind.IPV6 else 32, 0 if kind == kind.without_ports else 16
            needs = {"src": address, "dst": address, "sport": port, "dport": port,
                     "kind": code.bit_length(), "type": code.bit_length()}  # fmt: skip
            for name, bits in needs.items():
                if name in self.ports and self.ports[name] < bits:
                    raise ValueError(f"block.types: {word}, code {code}, needs {bits} bits of {name}; "
                                     f"its port has {self.ports[name]}")  # fmt: skip

    def _check_widths(self) -> None:
        known = self._fields()
        for name, width in self.ports.items():
            if name not in known:
                raise ValueError(f"{self.contract.name} has no field {name!r}; it has {', '.join(known)}")
            if not 1 <= width <= known[name].width:
                raise ValueError(f"{self.contract.name}: {name} has 1 to {known[name].width} bits, not {width}")
            result = self.contract.result
            if (
                result
                and name in [each.name for each in result.fields]
                and name != "type"
                and width < known[name].width
            ):
                raise ValueError(f"{self.contract.name}: {name} has {known[name].width} bits, not {width}")
        for name in known:
            if name not in self.ports and name not in self.contract.optional:
                raise ValueError(f"{self.contract.name} needs a port for {name}: {known[name].doc}")

    def _check_options(self) -> None:
        known = {option.name: option for option in self.contract.options}
        for name, value in self.options.items():
            if name not in known or name == "types":
                raise ValueError(f"{self.contract.name} has no option {name!r}")
            allowed = known[name].allowed
            if known[name].flag:
                if not isinstance(value, bool):
                    raise ValueError(f"block.{name} must be true or false, not {value!r}")
                continue
            if value not in allowed if allowed else not is_number(value) or value < 0:
                raise ValueError(f"block.{name} must be {' or '.join(allowed) or 'a number from 0 up'}, not {value!r}")

    def _fields(self) -> dict[str, Field]:
        layouts = filter(None, (self.contract.command, self.contract.result))
        return {each.name: each for layout in layouts for each in layout.fields}

    @property
    def ports(self) -> Mapping[str, int]:
        """Bits of the port of every field that has one."""
        return {name: each.width for name, each in self._fields().items()} if self.widths is None else self.widths

    def option(self, name: str) -> str | int:
        """What the block chose; raises KeyError for an option that the contract does not have."""
        option = {each.name: each for each in self.contract.options}[name]
        return self.options.get(name, option.allowed[0] if option.allowed else option.default)

    @property
    def longest(self) -> int:
        """Bytes of the longest frame it takes; 0 of a block without frames."""
        return int(self.option("longest")) if self.contract.stream_in else 0

    @property
    def shortest(self) -> int:
        """Bytes of the shortest frame it takes."""
        return int(self.option("shortest")) if self.contract.stream_in else 0

    @property
    def early(self) -> bool:
        """Whether a result may come before its frame's last beat."""
        return bool(self.options.get("early", False))

    def fits(self, command: Mapping[str, int]) -> bool:
        """Whether the block can be given `command`; fields that are optional and not there may have any value."""
        return all(value >> self.ports[name] == 0 for name, value in command.items() if name in self.ports)

    def code(self, kind: HashKind) -> int:
        """The block's code for `kind`. Raises KeyError for what it does not do."""
        return self.codes[kind.word] if kind else 0

    @property
    def codes(self) -> Mapping[str, int]:
        """`types`; without them the block does every kind, with the contract's own codes."""
        return self.types or {kind.word: int(kind) for kind in HashKind if kind}

    def does(self, kind: HashKind) -> HashKind:
        """What the block hashes of a packet of `kind`: that, or addresses alone, or nothing."""
        if kind.word in self.codes:
            return kind
        return kind.without_ports if kind.without_ports.word in self.codes else HashKind.NONE


@dataclass(frozen=True)
class BlockPorts:
    """Which ports of the block are its command and its result; its streams are described as those of any card.

    `command`, `result`: the port of each field. With `command_valid` and `command_ready` commands are handed over by
    themselves (CommandTiming.HANDSHAKE), without them they come with a frame's first beat. `key_port` is empty when the
    key is a parameter. `quiet`: clocks in which the block may give nothing; it changes nothing in the wrapper.
    Raises ValueError with a sentence about the first thing that does not fit the contract.
    """

    setup: Setup
    command: Mapping[str, str] = field(default_factory=dict)
    result: Mapping[str, str] = field(default_factory=dict)
    command_valid: str = ""
    command_ready: str = ""
    result_valid: str = ""
    key_port: str = ""
    quiet: int = field(default=QUIET, repr=False)

    def outputs(self) -> dict[str, str]:
        """The ports that the block drives beside its streams, by their place in a map."""
        named = {"command.ready": self.command_ready, "result.valid": self.result_valid,
                 **{f"result.{name}": port for name, port in self.result.items()}}  # fmt: skip
        return {f"block.{name}": port for name, port in named.items() if port}

    def __post_init__(self) -> None:
        contract = self.setup.contract
        for word, layout, ports in (
            ("command", contract.command, self.command),
            ("result", contract.result, self.result),
        ):
            known = {each.name for each in layout.fields} if layout else set()
            if stray := sorted(set(ports) - known):
                raise ValueError(f"block.{word}: {contract.name} has no field {stray[0]!r} there")
        if (self.command_valid or self.command_ready) and not contract.command:
            raise ValueError(f"block.command: {contract.name} has no command, and no handshake of one")
        if self.result_valid and not contract.result:
            raise ValueError(f"block.result: {contract.name} has no result, and no valid of one")
        if self.key_port and not contract.key:
            raise ValueError(f"block.key_port: {contract.name} has no key")
        if bool(self.command_valid) != bool(self.command_ready):
            raise ValueError("block.command: valid and ready go together, or neither is there")
        if not contract.stream_in and not self.command_valid:
            raise ValueError(f"block.command: {contract.name} takes no frames: it needs valid and ready")
        if contract.result and not self.result_valid:
            raise ValueError(f"block.result: {contract.name} needs a valid, high for one clock a result")
        if not is_number(self.quiet) or self.quiet < 1:
            raise ValueError(f"block.quiet must be a number of clocks from 1 up, not {self.quiet!r}")

    @property
    def timing(self) -> CommandTiming:
        """When the block looks at a command."""
        return CommandTiming.HANDSHAKE if self.command_valid else CommandTiming.FIRST_BEAT


def lanes_of(contract: Contract, rx: Bus | None, tx: Bus | None) -> int:
    """Bytes of a beat of a block's streams: `rx` into it, `tx` out of it.

    Raises ValueError when they do not fit the contract, or each other.
    """
    if (rx is not None) != contract.stream_in:
        raise ValueError(f"{contract.name} has {'a' if contract.stream_in else 'no'} stream in: wire.rx")
    if contract.stream_out is not None and (tx is not None) != contract.stream_out:
        raise ValueError(f"{contract.name} has {'a' if contract.stream_out else 'no'} stream out: wire.tx")
    _check_stops(contract, rx, tx)
    for name, bus in {"wire.rx": rx, "wire.tx": tx}.items():
        if bus is not None and bus.keep == Keep.NONE and bus.data_width > 8:
            raise ValueError(f"{name}.keep is none: a frame of any length needs keep or empty in {bus.data_width} bits")
    widths = sorted({bus.data_width for bus in (rx, tx) if bus is not None})
    if len(widths) > 1:
        raise ValueError(f"wire.rx and wire.tx of a block have one data_width, not {widths[0]} and {widths[1]}")
    return widths[0] // 8 if widths else LANES_WITHOUT_STREAM


def _check_stops(contract: Contract, rx: Bus | None, tx: Bus | None) -> None:
    """Nothing may be stopped behind what cannot be: whatever is lost then would not be the block's fault."""
    if tx is not None and contract.result and not tx.ready:
        raise ValueError("wire.tx: frames that results follow need a ready, to be held up by it; or leave wire.tx out")
    if rx is None or rx.ready or tx is None:
        return
    if contract.block == Block.SEGMENT:
        raise ValueError("wire.rx: segment needs a ready, for more comes out than goes in")
    if contract.result:
        raise ValueError("wire.rx: without a ready its frames cannot be held up behind the block: leave wire.tx out")
    if tx.ready:
        raise ValueError("wire.tx.ready: behind a wire.rx without ready it is false, and a tready is held by ties")
