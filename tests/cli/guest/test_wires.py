"""This machine's kernel as the far end, with its services in their places."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from ringbed.cli.errors import UserError
from ringbed.cli.guest.wires import PAUSE, SERVICES, kernel_wire
from ringbed.conformance.guest import GATE
from ringbed.sim.kernel.jobs import JOBS


def test_an_address_that_is_none_is_one_sentence() -> None:
    with ExitStack() as stack, pytest.raises(UserError, match=r"^--address 10.0.0.300/24: .*10.0.0.300"):
        kernel_wire("10.0.0.300/24", stack)


def test_the_gate_asks_where_the_services_are() -> None:
    assert SERVICES.keys() <= JOBS.keys()
    text = GATE.read_text()
    ports = SERVICES["tcp_sink"], SERVICES["tcp_source"], SERVICES["tcp_counts"], PAUSE
    assert "SINK={} SOURCE={} COUNTS={} PAUSE={}\n".format(*ports) in text
    assert SERVICES["tftp"] == 69  # which busybox's tftp asks without being told
