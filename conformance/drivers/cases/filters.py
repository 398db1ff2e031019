"""Which frames a driver hands on, by their destination."""

from __future__ import annotations

from collections.abc import Iterable

from ringbed.conformance.drivers.bench import Bench
from ringbed.conformance.drivers.found import Case
from ringbed.conformance.drivers.packets import GROUP, OTHER, STATION, numbered

__all__ = ["CASES"]

BROADCAST = b"\xff" * 6
GROUPS = tuple(bytes.fromhex("01005e0000") + bytes([last]) for last in (1, 5, 0x42, 0x80))
SIXES = tuple(bytes.fromhex("3333ff0000") + bytes([last]) for last in (1, 9))
FAR = bytes.fromhex("01005e7f1234")  # a group that shares no entry of a hash table with those above
ANOTHER = bytes.fromhex("0200000000aa")


def _expect(bench: Bench, wanted: Iterable[bytes], unwanted: Iterable[bytes], when: str) -> None:
    """A frame to each; `unwanted` None of which may come."""
    for passes, addresses in ((True, wanted), (False, unwanted)):
        for address in addresses:
            bench.deliver([numbered(len(when), 80, inward=True, to=address)], to_come=())
            came = len(bench.upper.take())
            if passes and not came:
                bench.find("filter.missed", f"{when}: a frame to {address.hex(':')} was not handed on")
            if came and not passes:
                bench.find("filter.passed", f"{when}: a frame to {address.hex(':')} was handed on")


def station(bench: Bench) -> None:
    bench.open()
    _expect(bench, (STATION, BROADCAST), (OTHER, GROUP), "with no filter set")


def promiscuous(bench: Bench) -> None:
    bench.open()
    bench.own("set_promiscuous")
    for on in (True, False):
        bench.driver.set_promiscuous(on)
        more, less = ((OTHER, GROUP), ()) if on else ((), (OTHER, GROUP))
        _expect(bench, (STATION, BROADCAST, *more), less, f"promiscuous {'on' if on else 'off'}")


def groups(bench: Bench) -> None:
    """A list takes the place of the one before; a down and an up keep it."""
    bench.open()
    bench.own("set_multicast")
    bench.driver.set_multicast((*GROUPS, *SIXES))
    _expect(bench, (STATION, BROADCAST, *GROUPS, *SIXES), (OTHER, FAR), "six groups wanted")
    bench.down()
    bench.up()
    _expect(bench, (*GROUPS, *SIXES), (FAR,), "six groups wanted, after down and up")
    bench.driver.set_multicast(GROUPS[:1])
    _expect(bench, GROUPS[:1], (SIXES[1], FAR), "one group wanted")


def all_groups(bench: Bench) -> None:
    bench.open()
    bench.own("set_all_multicast")
    for on in (True, False):
        bench.driver.set_all_multicast(on)
        more, less = ((GROUP, FAR), ()) if on else ((), (GROUP, FAR))
        _expect(bench, (STATION, *more), (OTHER, *less), f"all groups {'on' if on else 'off'}")


def address(bench: Bench) -> None:
    """Another station address, set before the driver is up, as a stack does."""
    bench.open(up=False)
    bench.driver.set_lladdr(ANOTHER)
    if bench.driver.lladdr != ANOTHER:
        bench.find("set.ignored", f"lladdr is {bench.driver.lladdr.hex(':')}, {ANOTHER.hex(':')} was set")
    bench.up()
    _expect(bench, (ANOTHER, BROADCAST), (STATION, OTHER), f"lladdr {ANOTHER.hex(':')}")


def bad_values(bench: Bench) -> None:
    """What is no address of a station, of a group, no VLAN."""
    bench.open()
    driver = bench.driver
    for name, value in (
        ("set_lladdr", BROADCAST), ("set_lladdr", bytes(6)), ("set_lladdr", b"\2\0\0"), ("set_multicast", [OTHER]),
        ("set_multicast", [b"\1"]), ("set_vlans", [4096]), ("set_vlans", [-1]),
    ):  # fmt: skip
        if not hasattr(driver, name):
            continue
        try:
            getattr(driver, name)(value)
        except ValueError:
            continue
        bench.find("set.unchecked", f"{name}({value!r}) was taken")
    if driver.lladdr != STATION and "identity" in bench.card.knows:
        bench.find("set.ignored", f"lladdr is {driver.lladdr.hex(':')} after values that cannot be")
    bench.goes_round()


CASES = (
    Case("filters.station", "frames to the station and to all are handed on, others are not", station, ("filter",)),
    Case("filters.promiscuous", "promiscuous, every frame is handed on; then no longer", promiscuous, ("filter",)),
    Case("filters.groups", "frames of the groups wanted are handed on, of no others", groups, ("filter",)),
    Case("filters.all_groups", "with all groups on, those of every group; then no longer", all_groups, ("filter",)),
    Case("filters.address", "another station address takes the place of the card's", address, ("filter",)),
    Case("filters.refused", "what is no address, no group, no VLAN is refused by ValueError", bad_values),
)
