"""What a proxy may do to a driver that makes no mistake, so that it makes one: by the rule that it then breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ringbed.hw.formats.em.descriptors import RX_LEGACY, TX_CONTEXT, TX_DATA
from ringbed.hw.formats.em.registers import REGISTERS
from ringbed.sim.serve.header import Command
from tests.sim.checker.guest.proxy import UNMAP, Fault, Message, Proxy

__all__ = ["FAULTS"]

UNIT = 16
AT = {register.name: register.offset for register in REGISTERS}
NOWHERE = 0x77_0000_0000
FAULTS: dict[str, tuple[str, Fault]] = {}  # by name: the rule, and the fault


def breaks(rule: str) -> Callable[[Fault], Fault]:
    def named(fault: Fault) -> Fault:
        FAULTS[fault.__name__] = rule, fault
        return fault

    return named


class Ring:
    """Of one way, as its registers say."""

    def __init__(self, proxy: Proxy, letter: str) -> None:
        self._proxy = proxy
        low, high, size = (proxy.registers.get(AT[f"{letter}D{what}"], 0) for what in ("BAL", "BAH", "LEN"))
        self.base, self.size = low | high << 32, size // UNIT

    def read(self, index: int) -> int:
        return int.from_bytes(self._proxy.read(self.base + UNIT * index, UNIT), "little")

    def write(self, index: int, word: int) -> None:
        self._proxy.write(self.base + UNIT * index, word.to_bytes(UNIT, "little"))


def last_sent(proxy: Proxy, message: Message) -> tuple[Ring, int] | None:
    """The ring, and the last descriptor that this doorbell gives; None when it is no doorbell of transmission."""
    tail = message.writes(AT["TDT"])
    ring = Ring(proxy, "T")
    on = proxy.registers.get(AT["TCTL"], 0) & REGISTERS["TCTL"]["EN"].mask
    return (ring, (tail - 1) % ring.size) if tail and ring.size and on else None


def changed(proxy: Proxy, message: Message, change: Callable[[int], int]) -> Iterator[Message]:
    """The last descriptor that is given is another one."""
    if (last := last_sent(proxy, message)) is not None:
        ring, index = last
        ring.write(index, change(ring.read(index)))
        proxy.done = True
    yield message


@breaks("ring.unwritten")
def no_barrier(proxy: Proxy, message: Message) -> Iterator[Message]:
    """The store into the descriptor is seen behind the doorbell."""
    if (last := last_sent(proxy, message)) is not None:
        ring, index = last
        word = ring.read(index)
        ring.write(index, 0)
        proxy.later.append(lambda: ring.write(index, word))
        proxy.done = True
    yield message


@breaks("ring.done_set")
def status_left(proxy: Proxy, message: Message) -> Iterator[Message]:
    return changed(proxy, message, lambda word: word | TX_DATA["DD"].mask)


@breaks("tx.no_end")
def no_end(proxy: Proxy, message: Message) -> Iterator[Message]:
    return changed(proxy, message, lambda word: word & ~TX_DATA["EOP"].mask)


@breaks("tx.no_fcs")
def no_fcs(proxy: Proxy, message: Message) -> Iterator[Message]:
    return changed(proxy, message, lambda word: word & ~TX_DATA["IFCS"].mask)


@breaks("tx.untagged")
def no_vme(proxy: Proxy, message: Message) -> Iterator[Message]:
    return changed(proxy, message, lambda word: word | TX_DATA["VLE"].mask)


@breaks("tx.address")
def wrong_address(proxy: Proxy, message: Message) -> Iterator[Message]:
    return changed(proxy, message, lambda word: word & ~TX_DATA["address"].mask | NOWHERE)


@breaks("tx.context")
def wrong_context(proxy: Proxy, message: Message) -> Iterator[Message]:
    """The one in front of the frame that is sent."""
    if (last := last_sent(proxy, message)) is not None:
        ring, index = last
        for before in range(index, -1, -1):
            word = ring.read(before)
            if word & TX_DATA["DEXT"].mask and not TX_DATA["DTYP"].get(word):
                ring.write(before, word & ~TX_CONTEXT["TUCSS"].mask | TX_CONTEXT["TUCSS"].put(2))
                proxy.done = True
    yield message


@breaks("tx.no_context")
def no_context(proxy: Proxy, message: Message) -> Iterator[Message]:
    """The first frame of all, which wants nothing summed, is made to."""
    if last_sent(proxy, message) is not None:
        ring = Ring(proxy, "T")
        kept = sum(TX_DATA[name].mask for name in ("address", "EOP", "IFCS"))
        ring.write(0, ring.read(0) & kept | TX_DATA.pack(DTALEN=60, DTYP=1, DEXT=1, TXSM=1))
        proxy.done = True
    yield message


@breaks("ring.base")
def no_ring(proxy: Proxy, message: Message) -> Iterator[Message]:
    word = message.writes(AT["TDBAH"])
    proxy.done = word is not None
    yield message if word is None else message.with_word(0x77)


@breaks("rx.small")
def small_buffer(proxy: Proxy, message: Message) -> Iterator[Message]:
    """It begins behind where its driver has it, and ends where its mapping does."""
    if message.writes(AT["RDT"]) is not None and (ring := Ring(proxy, "R")).size:
        index = ((message.writes(AT["RDT"]) or 0) - 1) % ring.size
        ring.write(index, ring.read(index) + 0xF00)
        proxy.done = True
    yield message


@breaks("ring.tail_outside")
def tail_outside(proxy: Proxy, message: Message) -> Iterator[Message]:
    tail = message.writes(AT["TDT"])
    proxy.done = bool(tail)
    yield message.with_word(tail + 0x1000) if tail else message


@breaks("ring.live")
def head_moved(proxy: Proxy, message: Message) -> Iterator[Message]:
    yield message
    if last_sent(proxy, message) is not None:
        yield proxy.register(AT["TDH"], 0)
        proxy.done = True


@breaks("register.live")
def loopback_live(proxy: Proxy, message: Message) -> Iterator[Message]:
    yield message
    rctl = proxy.registers.get(AT["RCTL"], 0)
    if rctl & REGISTERS["RCTL"]["EN"].mask:
        yield proxy.register(AT["RCTL"], rctl ^ REGISTERS["RCTL"]["LBM"].mask)
        proxy.done = True


@breaks("register.reserved")
def reserved(proxy: Proxy, message: Message) -> Iterator[Message]:
    word = message.writes(AT["RCTL"])
    proxy.done = word is not None
    yield message if word is None else message.with_word(word | 1)


@breaks("register.unknown")
def unknown(proxy: Proxy, message: Message) -> Iterator[Message]:
    yield message
    if proxy.registers:
        yield proxy.register(0x2F00, 1)
        proxy.done = True


def given(proxy: Proxy, message: Message) -> tuple[Ring, int] | None:
    """The receive ring and the last descriptor that this doorbell gives."""
    tail = message.writes(AT["RDT"])
    ring = Ring(proxy, "R")
    on = proxy.registers.get(AT["RCTL"], 0) & REGISTERS["RCTL"]["EN"].mask
    return (ring, (tail - 1) % ring.size) if tail is not None and ring.size and on else None


@breaks("rx.address")
def wrong_buffer(proxy: Proxy, message: Message) -> Iterator[Message]:
    if message.writes(AT["RDT"]) is not None and (ring := Ring(proxy, "R")).size:
        index = (message.writes(AT["RDT"]) or 0) - 1
        ring.write(index % ring.size, NOWHERE)
        proxy.done = True
    yield message


@breaks("ring.owned")
def taken_back(proxy: Proxy, message: Message) -> Iterator[Message]:
    yield message
    if (last := given(proxy, message)) is not None:
        ring, index = last
        word = ring.read(index)
        proxy.later.append(lambda: ring.write(index, word ^ 0x1000))
        proxy.done = True


@breaks("dma.early_unmap")
def early_unmap(proxy: Proxy, message: Message) -> Iterator[Message]:
    """The buffer of a descriptor that has just been given."""
    yield message
    if (last := given(proxy, message)) is not None:
        ring, index = last
        yield proxy.unmap(RX_LEGACY["address"].get(ring.read(index)) & ~4095)
        proxy.done = True


@breaks("dma.early_free")
def early_free(proxy: Proxy, message: Message) -> Iterator[Message]:
    yield message
    if (last := given(proxy, message)) is not None:
        yield proxy.unmap(last[0].base)
        proxy.done = True


@breaks("dma.direction")
def wrong_way(proxy: Proxy, message: Message) -> Iterator[Message]:
    """A buffer that the card is to write is mapped to be read."""
    if message.command == Command.DMA_MAP and int.from_bytes(message.payload[4:8], "little") == 2:
        payload = message.payload[:4] + (1).to_bytes(4, "little") + message.payload[8:]
        message = Message(message.command, payload, message.number, message.flags, message.files)
        proxy.done = True
    yield message


@breaks("dma.leak")
def leak(proxy: Proxy, message: Message) -> Iterator[Message]:
    """An unmap of a buffer is not done."""
    if message.command == Command.DMA_UNMAP and not proxy.registers.get(AT["RCTL"], 0) & 2:
        address = UNMAP.unpack(message.payload[: UNMAP.size])[2]
        if all(not 0 <= Ring(proxy, letter).base - address < 4096 for letter in "RT"):
            proxy.answer(message)
            proxy.done = True
            return
    yield message


@breaks("irq.unacknowledged")
def deaf(proxy: Proxy, message: Message) -> Iterator[Message]:
    """No read of the causes comes to the card; they are answered with none."""
    if message.command == Command.REGION_READ and message.reads(AT["ICR"]):
        proxy.answer(message, bytes(4))
        proxy.hits += 1
        return
    yield message


@breaks("down.on")
def left_on(proxy: Proxy, message: Message) -> Iterator[Message]:
    """Bus mastering goes first."""
    if message.writes(AT["RCTL"]) is not None and message.writes(AT["RCTL"]):
        yield message
        yield Message(
            Command.REGION_WRITE,
            (4).to_bytes(8, "little")
            + (7).to_bytes(4, "little")
            + (2).to_bytes(4, "little")
            + (2).to_bytes(2, "little"),
            flags=0x10,
        )
        proxy.done = True
        return
    yield message
