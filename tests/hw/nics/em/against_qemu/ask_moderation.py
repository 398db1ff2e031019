"""Questions about delayed causes, pause frames and loopback: none looks at how long, only at what comes first."""

from __future__ import annotations

from ringbed.sim.seam.engine import Event
from tests.hw.nics.em.against_qemu.experiments import causes, experiment, sent
from tests.hw.nics.em.bench import PEER, Card, R, frame, on_wire

LONG = 0x8000  # units of 1.024 us
GROUP_PAUSE = bytes.fromhex("0180c2000001")
SOON = 12_500  # clocks: 100 us


def pause(time: int, to: bytes = GROUP_PAUSE) -> bytes:
    return on_wire(to + PEER + bytes.fromhex("88080001") + time.to_bytes(2, "big"))


def flow_control(card: Card) -> None:
    card.set("FCAL", 0x00C2_8001)
    card.set("FCAH", 0x0100)
    card.set("FCT", 0x8808)
    card.set("CTRL", R["CTRL"].mask("SLU", "RFCE", "TFCE"))


@experiment()
def txdw_of_a_delayed_descriptor(card: Card) -> str:
    """IDE with a long TIDV: causes when the frame has left."""
    card.set("TIDV", LONG)
    causes(card)
    card.push(card.pieces(frame(64)[:-4], IDE=1))
    card.engine.run(card.engine.now + 10 * SOON, Event.WIRE)
    card.run(SOON)
    return causes(card)


@experiment()
def rxt0_with_a_long_rdtr(card: Card) -> str:
    card.set("RDTR", LONG)
    card.settle()
    causes(card)
    card.post()
    card.get("STATUS")
    card.arrive(frame(64))
    card.run(SOON)
    found = causes(card)
    card.set("RDTR", 0)
    return found


@experiment()
def small_packet(card: Card) -> str:
    card.set("RSRPD", 128)
    card.post()
    causes(card)  # which is a read
    card.arrive(frame(64))
    card.settle()
    return causes(card)


@experiment()
def low_transmit_ring(card: Card) -> str:
    """LWTHRESH 1, so 8 left: eight descriptors given and used."""
    card.set("TXDCTL", R["TXDCTL"].pack(LWTHRESH=1))
    causes(card)
    sent(card, *(card.pieces(frame(64)[:-4]) for _ in range(8)))
    return causes(card)


@experiment()
def pause_received(card: Card) -> int:
    """STATUS.TXOFF after an XOFF with RFCE."""
    flow_control(card)
    card.post()
    card.get("STATUS")
    card.arrive(pause(0xFFFF))
    card.run(SOON)
    return R["STATUS"]["TXOFF"].get(card.get("STATUS"))


@experiment()
def pause_sent_by_software(card: Card) -> int:
    flow_control(card)
    card.set("FCTTV", 0x100)
    card.set("TCTL", card.get("TCTL") | R["TCTL"].mask("SWXOFF"))
    card.run(SOON)
    return len(card.sent())


def looped(card: Card) -> list[int]:
    """Frames on the wire, frames received, after one to ourselves was sent."""
    card.post()
    card.settle()  # QEMU drops what loops back while it waits after a write to RCTL
    card.push(card.pieces(frame(64)[:-4]))
    card.run(10 * SOON)
    card.settle()
    return [len(card.sent()), len(card.harvest())]


@experiment()
def loopback_in_the_mac(card: Card) -> list[int]:
    card.set("RCTL", card.get("RCTL") | R["RCTL"]["LBM"].put(1))
    return looped(card)


@experiment()
def loopback_in_the_phy(card: Card) -> list[int]:
    """PHY register 0: loopback, 1000 Mb/s, full duplex, no negotiation."""
    card.set("MDIC", R["MDIC"].pack(DATA=0x4140, REGADD=0, PHYADD=1, OP=1))
    for _ in range(200):
        card.run(1250)
        if card.get("MDIC") & R["MDIC"].mask("R"):
            break
    return looped(card)
