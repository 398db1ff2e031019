"""What `ringbed serve --wire` names, made for a card's end of the wire."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from ringbed.cli.errors import UserError
from ringbed.sim.kernel.tap import Tap, open_tap
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.serve.served import WireMaker
from ringbed.sim.serve.wires import ReplayWire, TapWire, Wire
from ringbed.sim.testbed.peer import Peer
from ringbed.sim.wire.frame import WireEnd
from ringbed.sim.wire.replay import read_capture
from ringbed.stack.iface.iff import IfAddr
from ringbed.stack.iface.inet import refusal
from ringbed.stack.wire.family import INET

__all__ = ["PeerWire", "far_end", "pcap_wire", "peer_wire", "tap_wire"]


class PeerWire:
    """A stack of ours at the far end, in this process."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def move(self, now: int) -> int:
        return self.peer.move(now)

    def files(self) -> Sequence[int]:
        return ()

    def deadline(self) -> int | None:
        return self.peer.stack.deadline()


def far_end(address: str) -> ipaddress.IPv4Interface:
    """What `--address` says. Raises UserError for what is no address of a host in a network with another."""
    try:
        known = ipaddress.IPv4Interface(address)
    except ValueError:
        raise UserError(f"--address is an IPv4 address and the bits of its network, not {address!r}") from None
    prefix, bits = int(known.network.network_address), known.network.prefixlen
    if why := refusal(IfAddr(INET, int(known.ip), prefix, bits)):
        raise UserError(f"--address: {why.format(known)}")
    return known


def peer_wire(address: str) -> WireMaker:
    """Raises UserError as `far_end` does."""
    known = far_end(address)
    return lambda end, frequency: PeerWire(Peer(end, str(known), frequency))


def tap_wire(name: str, stack: ExitStack) -> WireMaker:
    """`stack` closes the device. Raises TapUnavailable, UserError for a name that is none."""
    try:
        tap = Tap(open_tap(name))
    except ValueError as error:
        raise UserError(str(error)) from None
    stack.callback(tap.close)
    return lambda end, frequency: TapWire(end, tap, frequency)


def pcap_wire(path: Path | None) -> WireMaker:
    """Raises CaptureError, OSError, UserError for a capture without a whole frame."""
    capture = None if path is None else read_capture(path)
    if capture is not None and not any(frame.whole for frame in capture.frames):
        raise UserError(f"{path} holds no whole Ethernet frame: there is nothing to play")

    def made(end: WireEnd, frequency: Frequency) -> Wire:
        return ReplayWire(end, frequency, capture)

    return made
