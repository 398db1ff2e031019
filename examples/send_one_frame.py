"""One frame each way through the simulated card, with the driver and nothing above it.

python examples/send_one_frame.py [native|pysim|auto]
"""

from __future__ import annotations

import sys

from ringbed.lab import Collector, TxFrame, from_wire, open_host, to_wire

MAC, PEER, KIND = bytes.fromhex("020000000001"), bytes.fromhex("020000007701"), bytes.fromhex("88b5")

above = Collector()  # what the driver delivers is kept here; a StackOnDriver(Stack("name")) would be a whole host
host = open_host("em0", above, engine=(sys.argv[1:] or ["auto"])[0], mac=MAC, say=print)
host.up()

# down: the driver maps the frame and rings the doorbell; the card fetches it, pads it, adds the FCS and sends it
host.driver.transmit(0, [TxFrame([PEER + MAC + KIND + b"hello, wire"])])
host.advance(host.now + 1_000_000)  # a simulated millisecond; returns early when all is at rest
for clock, wire in host.engine.wire_out():
    print(f"left at clock {clock}: {len(wire)} bytes on the wire, {from_wire(wire)[14:25]!r}")

# up: a frame on the wire, for the card's address
host.engine.wire_in(to_wire(MAC + PEER + KIND + b"hello, driver"), host.engine.now)
host.advance(host.now + 1_000_000)
for frame in above.take():
    print(f"received {len(frame.data)} bytes, sum of IPv4 {frame.verdict.l3}, of TCP or UDP {frame.verdict.l4}")

host.down()
host.engine.close()
