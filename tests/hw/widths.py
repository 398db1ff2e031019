"""Which blocks are not put into a simulation by their own tests at every width of the data path.

As a program it prints "BLOCK WIDTH" for each width that is missing. The tests run only up to where they have built what
they simulate, which is left out, so all files together take a few seconds. A test that simulates several widths one
after the other is therefore seen with its first alone: such a test takes its width as a parameter. Those come first,
and once a file has shown all that is asked of it the rest of it is left out.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import pytest
from amaranth.back import rtlil, verilog
from amaranth.sim import Simulator

from ringbed.sim.synth.blocks import components
from tests.hw import stream_bench
from tests.hw.mutants import WIDTHS

__all__ = ["has_width", "main"]

Widths = dict[str, set[tuple[str, int]]]  # by file: names of blocks and widths


def has_width(kind: Any) -> bool:
    """Whether a block is made for a width of the data path."""
    return "width" in inspect.signature(kind).parameters


class Watch:
    """A plugin of pytest's: crosses off what would have been simulated of what is `missing`."""

    def __init__(self, missing: Widths) -> None:
        self.missing = missing
        self._file, self._known = "", set[tuple[str, Any, Any]]()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """By file, those with a width first."""
        items.sort(key=lambda item: (_file(item), "width" not in getattr(item, "fixturenames", ())))

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self._file = _file(item)
        if not self.missing[self._file]:
            pytest.skip("its file has shown everything")

    def simulate(self, top: Any) -> NoReturn:
        """Instead of a simulation. A top that was seen is not elaborated again."""
        known = (self._file, type(top), vars(top).get("made_width", id(top)))
        if known not in self._known:
            self._known.add(known)
            for _, component in components(top):
                if "made_width" in vars(component):
                    self.missing[self._file].discard((type(component).__name__, component.made_width))
        pytest.skip("built")


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def remembering(kind: Any) -> Callable[..., None]:
    """The constructor of `kind`, which keeps the width it was told as `made_width`: not every block keeps its own."""
    make, signature = kind.__init__, inspect.signature(kind)

    def init(self: Any, *args: Any, **options: Any) -> None:
        self.made_width = signature.bind(*args, **options).arguments["width"]
        make(self, *args, **options)

    return init


def _leave_out(*_: Any, **_options: Any) -> NoReturn:
    pytest.skip("no Verilog is asked for here")


def unseen(wide: Mapping[str, Any], file_of: Callable[[str], str]) -> list[tuple[str, int]]:
    """Of the blocks `wide` by name, those with a width at which their files do not simulate them.

    Raises RuntimeError when a test fails before it has built its block: then nothing is known of that.
    """
    missing: Widths = defaultdict(set)
    for block, kind in wide.items():
        missing[file_of(block)] |= {(kind.__name__, width) for width in WIDTHS}
        kind.__init__ = remembering(kind)
    watch = Watch(missing)
    Simulator.__init__ = lambda _, top, **_options: watch.simulate(top)
    rtlil.convert = verilog.convert = _leave_out
    stream_bench.pack = lambda *_: 0  # nobody will look at what is sent, and it takes longer than all the rest
    quick = ["-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist"]
    code = pytest.main([*quick, *sorted(missing)], plugins=[watch])
    if code != 0:
        raise RuntimeError(f"the tests ended with {code} before their simulations")
    return [(block, width) for block, kind in wide.items() for width in WIDTHS
            if (kind.__name__, width) in missing[file_of(block)]]  # fmt: skip


def main() -> None:
    from tests.hw.test_outputs import BLOCKS, ROOT, file_of

    wide = {name: kind for name, kind in BLOCKS.items() if has_width(kind)}
    missing = unseen(wide, lambda block: file_of(block).relative_to(ROOT).as_posix())
    print(f"asked: {len(wide)} blocks")
    for block, width in missing:
        print(f"missing: {block} {width}")


if __name__ == "__main__":
    main()
