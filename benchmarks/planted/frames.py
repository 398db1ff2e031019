"""Planted faults, of frames that are sent: see `fault.py`."""

from __future__ import annotations

from ringbed.benchmarks.planted.fault import (
    PUT,
    Fault,
    after,
)

PUT_REST = "self.tx.put(14, DEXT | IPV4)  # here"

FAULTS_OF_FRAMES = (
    Fault(
        "no end of packet",
        "tx.no_end",
        ((PUT, "self.tx.put(mapping.iova, command & ~EOP | len(data), mapping)  # here"),),
    ),
    Fault("no FCS", "tx.no_fcs", ((PUT, "self.tx.put(mapping.iova, command & ~IFCS | len(data), mapping)  # here"),)),
    Fault(
        "a tag without VLAN mode",
        "tx.untagged",
        ((PUT, "self.tx.put(mapping.iova, command | 1 << 30 | len(data), mapping)  # here"),),
    ),
    Fault(
        "a frame too long",
        "tx.long",
        (("if len(data) > self.mtu + 14:", "if False:"), (PUT, PUT + "  # here")),
        longest=20000,
    ),
    Fault(
        "a context in a frame",
        "tx.mixed",
        (
            (PUT, "self.tx.put(mapping.iova, command & ~EOP | 14)\n        " + PUT_REST),
            after(PUT_REST, "self.tx.put(mapping.iova + 14, command | len(data) - 14, mapping)"),
        ),
    ),
    Fault("sums without a context", "tx.no_context", (("self._context(frame)", "pass"), (PUT, PUT + "  # here"))),
    Fault(
        "a context with the other's sum",
        "tx.context",
        (("l4 + (16 if tcp else 6) << 40", "l4 + 16 << 40"), ("else 0))", "else 0))  # here")),
    ),
    Fault(
        "a context that ends early", "tx.context", (("l4 - 1 << 16", "l4 - 2 << 16"), ("else 0))", "else 0))  # here"))
    ),
    Fault(
        "a context kept from before",
        "tx.stale_context",
        (("self._context(frame)", 'self.count["tx_frames"] < 4 and self._context(frame)'), (PUT, PUT + "  # here")),
        batch=1,
    ),
)
