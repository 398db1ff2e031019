"""The route table alone: a lookup among a thousand and among a million routes, and what a change costs.

    python -m ringbed.benchmarks.stack_routes [--routes N]

Prefixes are drawn with the lengths of a full table (most are /24), addresses uniformly over all routes: so most of what
a lookup touches is in no cache when the table is large. To tell that from the steps it takes, the large table is also
asked for the same few routes again and again. Each table is made and asked in a process of its own, so that its memory
is its own and what was freed before is not in the way. Times are the least of several rounds.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from ringbed.stack.kern.stats import Stats
from ringbed.stack.route.nexthop import Discard
from ringbed.stack.route.table import Route, RouteTable, Rtt, prefix
from ringbed.stack.wire.family import INET

SMALL, LARGE = 1_000, 1_000_000
ROUNDS, ASKED, CHANGED, FEW = 5, 100_000, 2_000, 200
LENGTHS = (8, 12, 16, 18, 19, 20, 21, 22, 22, 23, 23, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 26, 28, 32)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one table: `lookup_us` of a random route's address, `warm_us` where a few of them are asked for all the time.

    `change_us` of one replacement, `memory` in bytes.
    """

    routes: int
    load_s: float
    lookup_us: float
    warm_us: float
    change_us: float
    memory: int


def measure(routes: int) -> Figures:
    """In a process of its own. Raises RuntimeError with its words when it could not be run."""
    command = [sys.executable, "-m", "ringbed.benchmarks.stack_routes", "--child", str(routes)]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    if child.returncode:
        raise RuntimeError(f"route bench: {(child.stderr.strip() or 'no word').splitlines()[-1]}")
    return Figures(**json.loads(child.stdout))


def default_cost(lengths: int) -> float:
    """Microseconds of a lookup that finds 0/0, in a table whose other routes have so many lengths."""
    table, hop = _table(), Discard(Stats().ip)
    draw = random.Random(lengths)
    for length in range(32 - lengths, 32):
        for _ in range(40):
            at = draw.getrandbits(length - 1) << 32 - length  # below 128.0.0.0
            table.add(Route(prefix(INET, at, length), Rtt.USER, hop))
    return _best(table, [1 << 63 | draw.getrandbits(62) for _ in range(ASKED // 4)])


def _table() -> RouteTable:
    return RouteTable(INET, [Route(prefix(INET, 0, 0), Rtt.PERM, Discard(Stats().ip))])


def _drawn(routes: int, draw: random.Random) -> list[tuple[int, int]]:
    """As many different prefixes."""
    found: dict[tuple[int, int], None] = {}
    while len(found) < routes:
        length = draw.choice(LENGTHS)
        found[draw.getrandbits(length) << 32 - length, length] = None
    return list(found)


def _child(routes: int) -> Figures:
    draw = random.Random(routes)
    prefixes = _drawn(routes, draw)
    hops = [Discard(Stats().ip) for _ in range(16)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    made = [Route(prefix(INET, at, length), Rtt.USER, draw.choice(hops)) for at, length in prefixes]
    table = _table()
    begin = time.perf_counter()
    table.add(*made)
    load = time.perf_counter() - begin
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    cold = _best(table, _keys(prefixes, draw))
    warm = _best(table, _keys(prefixes[:FEW], draw))
    return Figures(routes, load, cold, warm, _change(table, prefixes, draw), memory)


def _keys(prefixes: Sequence[tuple[int, int]], draw: random.Random) -> list[int]:
    """Of addresses within routes drawn one by one, from anybody."""
    keys = []
    for _ in range(ASKED):
        at, length = draw.choice(prefixes)
        keys.append((at | draw.getrandbits(32 - length) if length < 32 else at) << 32 | draw.getrandbits(32))
    return keys


def _best(table: RouteTable, keys: Sequence[int]) -> float:
    """Microseconds of a lookup, without the loop around it."""
    lookup, bits = table.tree.lookup, table.key_bits
    return (_least(lambda: [lookup(key, bits) for key in keys]) - _least(lambda: list(keys))) / len(keys)


def _least(work: Callable[[], object]) -> float:
    """Microseconds of the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best * 1e6


def _change(table: RouteTable, prefixes: Sequence[tuple[int, int]], draw: random.Random) -> float:
    """Microseconds in which one route takes the place of another, each a publication of its own."""
    hop = Discard(Stats().ip)
    changes = [Route(prefix(INET, *draw.choice(prefixes)), Rtt.USER, hop) for _ in range(min(CHANGED, len(prefixes)))]
    begin = time.perf_counter()
    for route in changes:
        table.add(route)
    return (time.perf_counter() - begin) * 1e6 / len(changes)


def main() -> int:
    parser = argparse.ArgumentParser(description="Lookups and changes in tables of routes.")
    parser.add_argument("--routes", type=int, default=LARGE, help="in the large table")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        print(json.dumps(asdict(_child(options.child))))
        return 0
    for routes in (SMALL, options.routes):
        f = measure(routes)
        print(
            f"{f.routes:>9,} routes: {f.lookup_us:.2f} us a lookup, {f.warm_us:.2f} of a few, "
            f"{f.change_us:.1f} us a change, {f.load_s:.2f} s to load, {f.memory / f.routes:.0f} bytes each"
        )
    two, many = default_cost(2), default_cost(25)
    print(f"0/0 behind 2 lengths {two:.2f} us, behind 25 {many:.2f} us")
    return 0


if __name__ == "__main__":
    sys.exit(main())
