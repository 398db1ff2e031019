"""Hosts with a stack on the fake card, for tests that have one address each."""

from __future__ import annotations

from typing import Any

from ringbed.sim.testbed.assembly import StackHost, StackOnDriver
from ringbed.stack.stack import Stack
from tests.sim.fake_engine import fake_host

__all__ = ["configure", "stack_host"]


def stack_host(number: int, **driver: Any) -> StackHost:
    """On the fake card, 10.0.0.`number`/24."""
    return configure(fake_host(StackOnDriver(Stack(f"h{number}")), number, **driver), number)


def configure(host: StackHost, number: int) -> StackHost:
    host.upper.ifd.add_ifl().add_iff().add_ifa(f"10.0.0.{number}/24")
    return host
