"""What a driver wrote into the card's registers, and the rules of each: reserved bits, and what is not written live."""

from __future__ import annotations

from typing import Protocol

from ringbed.hw.formats.field import Register
from ringbed.hw.formats.rules import RingRegisters, Rules, Switch
from ringbed.sim.checker.scene import Scene

__all__ = ["Programmed", "Registers"]


class Registers:
    """The values as the driver wrote them since the last reset; until then those of the table."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self._rules = scene, scene.rules
        self._at = {each.at(index): each for each in scene.rules.registers for index in range(each.count)}
        self._absent = {each.at(index) for each in scene.rules.absent for index in range(each.count)}
        self._known = {each.name: _known(each, scene.rules) for each in scene.rules.registers}
        switches = (scene.rules.rx_ring.enable, scene.rules.tx_ring.enable, scene.rules.tx.tagging)
        registers = scene.rules.registers
        self._switches = {(s.register, s.field): registers[s.register][s.field].mask for s in switches}
        self._frozen = {each.register: each for each in scene.rules.frozen}
        self._values: dict[str, int] = {}
        self.mask = 0  # causes that may raise the line

    def named(self, offset: int) -> Register | None:
        return self._at.get(offset)

    def value(self, name: str) -> int:
        value = self._values.get(name)
        return self._rules.registers[name].reset if value is None else value

    def is_on(self, switch: Switch) -> bool:
        return bool(self.value(switch.register) & self._switches[switch.register, switch.field])

    def on(self) -> list[str]:
        """What is not off: receive, transmit, interrupts; by the names of fields and registers."""
        rings = self._rules.rx_ring, self._rules.tx_ring
        names = [f"{ring.enable.register}.{ring.enable.field}" for ring in rings if self.is_on(ring.enable)]
        return [*names, *([f"{self._rules.interrupt.set_mask} {self.mask:#x}"] if self.mask else [])]

    def reset(self) -> None:
        self._values = {name: value for name, value in self._values.items() if name in self._rules.kept}
        self.mask = 0

    def write(self, offset: int, value: int) -> Register | None:
        """Note it; which register that is, None for one that the card has not."""
        register = self._at.get(offset)
        if register is None:
            if offset not in self._absent:
                self._scene.find_here(
                    "register.unknown", f"{value:#x} was written at {offset:#x}, where no register is"
                )
            return None
        name = register.name
        if reserved := value & ~self._known[name]:
            self._scene.find_here(
                "register.reserved", f"{name} was written {value:#x}, with reserved bits {reserved:#x}"
            )
        if name in self._frozen:
            self._frozen_write(register, value)
        interrupt = self._rules.interrupt
        if name == interrupt.set_mask:
            self.mask |= value & self._known[name]
        elif name == interrupt.clear_mask:
            self.mask &= ~value
        elif offset == register.offset:
            self._values[name] = value
        return register

    def _frozen_write(self, register: Register, value: int) -> None:
        frozen = self._frozen[register.name]
        mask = register.mask(*(frozen.fields or (field.name for field in register.fields)))
        changed = (value ^ self.value(register.name)) & mask
        if not self.is_on(frozen.enable) or not (changed or not frozen.fields):
            return
        if register.name == frozen.enable.register and not value & register[frozen.enable.field].mask:
            return  # the write that turns the direction off may change what else it likes
        what = " ".join(field.name for field in register.fields if field.mask & changed and frozen.fields)
        on = f"{frozen.enable.register}.{frozen.enable.field}"
        self._scene.find_here(
            "register.live", f"{register.name}{f' ({what})' if what else ''} was written {value:#x} with {on} = 1"
        )


class Programs(Protocol):
    """A ring, as far as registers program it."""

    names: RingRegisters

    def written(self, register: Register, value: int) -> None: ...

    def turned_on(self) -> None: ...

    def reset(self) -> None: ...


class Programmed:
    """One card as its driver programs it: `rings` are told of their registers, and when their direction goes on."""

    def __init__(self, scene: Scene, registers: Registers, *rings: Programs) -> None:
        self._registers, self._rings = registers, rings
        register = scene.rules.registers[scene.rules.reset.register]
        self._reset = register.offset, register[scene.rules.reset.field].mask

    def write(self, offset: int, value: int) -> None:
        """A register of the card, or a place where there is none."""
        off = [ring for ring in self._rings if not self._registers.is_on(ring.names.enable)]
        register = self._registers.write(offset, value)
        if offset == self._reset[0] and value & self._reset[1]:
            self.reset()
            return
        if register is None:
            return
        for ring in self._rings:
            ring.written(register, value)
        for ring in off:
            if self._registers.is_on(ring.names.enable):
                ring.turned_on()

    def reset(self) -> None:
        """The card has nothing any more."""
        self._registers.reset()
        for ring in self._rings:
            ring.reset()


def _known(register: Register, rules: Rules) -> int:
    """The bits that may be written as 1."""
    whole = (1 << register.bits) - 1
    if register.name in rules.loose or not register.fields:
        return whole
    return register.mask(*(field.name for field in register.fields))
