"""The gate's lines, heard in pieces, become figures."""

from __future__ import annotations

from ringbed.cli.guest.rates import GuestRates, Listener

SAID = b"""# probe
driver: e1000
ok probe
# pings
1 sizes, 0 without an answer
ok pings
# tcp
rate up 1000000 50
rate down 2000000 400
ok tcp
# errors
3 lines of error level
not ok errors
"""


def test_what_is_heard_in_any_pieces_is_the_same() -> None:
    for size in (1, 7, len(SAID)):
        now, used = iter([100.0, 112.5]), iter([(1_000, 400), (3_000, 1_900)])
        listener = Listener(now.__next__, used.__next__)
        for begin in range(0, len(SAID), size):
            listener.hear(SAID[begin : begin + size])
        assert listener.found == GuestRates(12.5, {"up": 16.0, "down": 4.0}, 0.75, 3)


def test_what_did_not_come_is_no_figure() -> None:
    listener = Listener(lambda: 0.0, lambda: (5, 5))
    listener.hear(b"ok probe\nnot ok pings\n# tcp\nok tcp\nrate up 8 0")
    assert listener.found == GuestRates()
    listener.hear(b"\n")
    assert listener.found.rates == {"up": 0.0064}
