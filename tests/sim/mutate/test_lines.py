"""Which line a cell without one is told to come from."""

from __future__ import annotations

from ringbed.sim.mutate.lines import lines_of

RTLIL = """\
module \\top
  attribute \\src "a.py:1"
  wire width 2 \\seen
  cell $mux $procmux$1
    parameter \\WIDTH 1
    connect \\A \\i [0]
    connect \\B 1'0
    connect \\S \\rst
    connect \\Y $y1
  end
  attribute \\src "a.py:2"
  cell $mux $procmux$2
    connect \\A { $y1 \\seen [1] }
    connect \\Y $y2
  end
  cell $not $3
    connect \\A $y2
    connect \\Y $y3
  end
  attribute \\src "b.py:3|b.py:4"
  cell $dff $4
    connect \\CLK \\clk
    connect \\D $y3
    connect \\Q \\seen
  end
  cell $not $5
    connect \\A \\seen
    connect \\Y \\o
  end
end
"""


def test_its_own_line_or_that_of_the_nearest_cell_behind_it() -> None:
    assert lines_of(RTLIL) == {
        "$procmux$1": ("a.py:2",),  # not that of the wire before it
        "$procmux$2": ("a.py:2",),
        "$3": ("b.py:3", "b.py:4"),
        "$4": ("b.py:3", "b.py:4"),
        "$5": (),
    }
