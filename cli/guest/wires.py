"""What `ringbed guest --wire` names and `ringbed serve` has not: this machine's kernel in a namespace of its own."""

from __future__ import annotations

from contextlib import ExitStack

from ringbed.cli.errors import UserError
from ringbed.sim.guest.tagged import TaggedEnd
from ringbed.sim.kernel.netns import KernelHost
from ringbed.sim.serve.served import WireMaker
from ringbed.sim.serve.wires import TapWire

__all__ = ["MTU", "SERVICES", "kernel_wire"]

MTU = 9000
SERVICES = {"udp_echo": 7, "tcp_sink": 9, "tcp_counts": 15, "tcp_source": 19, "tftp": 69}  # jobs, and their ports
PAUSE, TAP = 20, "ringbed0"


def kernel_wire(address: str, stack: ExitStack) -> WireMaker:
    """A TAP device of a kernel with `address`, which `stack` gives back. Raises TapUnavailable, UserError."""
    try:
        host = stack.enter_context(KernelHost.create(address, mtu=MTU, name=TAP))
    except ValueError as error:
        raise UserError(f"--address {address}: {error}") from None
    for name, port in SERVICES.items():
        host.start(name, port=port)
    host.start("tcp_pause", port=PAUSE, interface=TAP)
    return lambda end, frequency: TapWire(TaggedEnd(end), host.tap, frequency)
