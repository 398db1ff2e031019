"""The assertions of our own Verilog, in the words that simulators report and synthesis does not see.

Yosys writes one of Amaranth as a $write of its words and an `assert` without any: a simulator prints the first on its
output and says of the second only where it is. Here they become `assert (...) else $error(...)`, which all of them
report as they do $error; Yosys defines SYNTHESIS, and leaves them out.
"""

from __future__ import annotations

import re

__all__ = ["with_words"]

WRITTEN = re.compile(
    r"^ *if \((?P<on>[^\n]+)\) begin\n"
    r" *if \(!(?P<holds>[^\n]+)\)\n"
    r" *\$write\((?P<words>[^\n]+)\);\n"
    r" *assert \((?P=holds)\);\n"
    r" *end\n",
    re.MULTILINE,
)
SAID = "`ifndef SYNTHESIS\n    if ({on}) assert ({holds}) else $error({words});\n`endif\n"


def with_words(verilog: str) -> str:
    """Verilog as Yosys wrote it.

    Raises ValueError for an assertion in another form, which would be silent or an error.
    """
    wanted = len(re.findall(r"^ *assert \(", verilog, re.MULTILINE))
    verilog, made = WRITTEN.subn(lambda found: SAID.format(**found.groupdict()), verilog)
    if made != wanted:
        raise ValueError(f"of {wanted} assertions that Yosys wrote, {wanted - made} are not in the form known here")
    return verilog
