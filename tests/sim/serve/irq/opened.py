"""Cards of interrupt lines on a socket, each with a client; none of them has a finding at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.sim.serve.bench import Bench
from tests.sim.serve.client import Client
from tests.sim.serve.lines_card import lines_card

__all__ = ["Open", "cards", "put"]

Open = Callable[..., tuple[Bench, Client]]


def cards(folder: Path) -> Iterator[Open]:
    """For a fixture: opens one for each call, of these lines of the map's `[pci]` and the size of its BAR 0."""
    made: list[tuple[Bench, Client]] = []

    def open_one(messages: str, size: int = 32) -> tuple[Bench, Client]:
        spec, pci = lines_card(folder, messages, size)
        bench = Bench(folder, spec, pci=pci)
        made.append((bench, client := bench.client()))
        client.enable()
        return bench, client

    yield open_one
    for bench, client in made:
        client.close()
        assert bench.served.findings() == []
        bench.close()


def put(bench: Bench, client: Client, register: int, value: int) -> None:
    client.write(0, register, value)
    bench.turn()
