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

__all__ = ["PeerWire", "pcap_wire", "peer_wire", "tap_wire"]


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


def peer_wire(address: str) -> WireMaker:
    """Raises UserError for what is no address of a host in a network."""
    try:
        known = ipaddress.IPv4Interface(address)
    except ValueError:
        raise UserError(f"--address is an IPv4 address and the bits of its network, not {address!r}") from None
    if known.network.prefixlen > 30:
        raise UserError(f"--address {address} leaves the guest no address in its network")
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
    """Raises CaptureError, OSError."""
    capture = None if path is None else read_capture(path)

    def made(end: WireEnd, frequency: Frequency) -> Wire:
        return ReplayWire(end, frequency, capture)

    return made
