"""The AXI checker inside a cocotb simulation: looks at the card's outputs before every rising edge.

The rules and their words are those of `sim/seam/axi_checker.py`; what needs no look at every clock (requests, strobes,
keeps) is checked where it is taken, in `memory.py` and `wire.py`.
"""

from __future__ import annotations

from ringbed.sim.bus.ports import Ports
from ringbed.sim.seam.axi_checker import Findings, Held, counted
from ringbed.sim.seam.portmap import PortMap

__all__ = ["BusChecker"]

REQUEST = ("addr", "id", "len", "size", "burst")


class BusChecker:
    """Valid stays until ready and what it carries stays the same; register answers come when they are asked for."""

    def __init__(self, portmap: PortMap) -> None:
        self._channels: list[tuple[str, tuple[str, ...], Held]] = []  # valid and ready's prefix, payload, rule
        if portmap.dma is not None:
            p = portmap.dma.prefix
            for channel, payload in (("ar", REQUEST), ("aw", REQUEST), ("w", ("data", "strb", "last"))):
                self._add("axi", p + channel, payload)
        if portmap.tx is not None and portmap.tx.ready:
            self._add("stream", portmap.tx.prefix + "t", ("data", "keep", "last"))
        self._registers = portmap.registers.prefix if portmap.registers is not None else None
        if self._registers is not None:
            self._add("axil", self._registers + "b", ("resp",))
            self._add("axil", self._registers + "r", ("data", "resp"))
        self._taken = {"aw": 0, "w": 0, "ar": 0}  # accesses the card took and has not answered

    def _add(self, rule: str, prefix: str, payload: tuple[str, ...]) -> None:
        name = "T" if rule == "stream" else prefix[prefix.rfind("_") + 1 :].upper()
        carried = "TDATA, TKEEP or TLAST" if rule == "stream" else {"B": "BRESP", "R": "RDATA or RRESP"}.get(name, name)
        fell = f"{name}VALID fell before {name}READY"
        held = Held(rule, fell, f"{carried} changed while {name}VALID waited for {name}READY")
        self._channels.append((prefix, tuple(prefix + field for field in payload), held))

    def look(self, c: Ports, f: Findings) -> None:
        for prefix, payload, held in self._channels:
            valid = c.bit(prefix + "valid")
            if valid or held.stalled:
                carried = _counted(tuple(map(c.get, payload)), payload) if valid else None
                held.look(valid, c.bit(prefix + "ready"), carried, f)
        if self._registers is not None:
            self._look_at_registers(self._registers, c, f)

    def _look_at_registers(self, p: str, c: Ports, f: Findings) -> None:
        taken = self._taken
        bvalid, rvalid = c.bit(p + "bvalid"), c.bit(p + "rvalid")
        if bvalid and not (taken["aw"] and taken["w"]):
            f.add("axil.unasked", "BVALID before its write was taken")
        if rvalid and not taken["ar"]:
            f.add("axil.unasked", "RVALID before its read was taken")
        for channel in taken:
            if c.bit(f"{p}{channel}valid") and c.bit(f"{p}{channel}ready"):
                taken[channel] += 1
        if bvalid and c.bit(p + "bready"):
            taken["aw"], taken["w"] = max(0, taken["aw"] - 1), max(0, taken["w"] - 1)
        if rvalid and c.bit(p + "rready"):
            taken["ar"] = max(0, taken["ar"] - 1)


def _counted(carried: tuple[int, ...], fields: tuple[str, ...]) -> tuple[int, ...]:
    """Of a beat with a lane's enable in its second field, what counts."""
    if not fields[1:2] or not fields[1].endswith(("strb", "keep")):
        return carried
    return counted(carried[0], carried[1]), *carried[1:]
