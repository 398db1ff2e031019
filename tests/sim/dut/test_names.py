"""Name forms of clocks, resets and interrupts: every form that the world writes, and the words that look like one."""

from __future__ import annotations

from itertools import product

import pytest

from ringbed.hw.formats.dut import IN
from ringbed.sim.dut.guess import Guess
from ringbed.sim.dut.names import (
    DIRECTIONS,
    FRONTS,
    LOWS,
    MORE_LOWS,
    forms,
    is_clock,
    is_line,
    is_reset,
    part,
    resets_low,
    words,
)
from ringbed.sim.seam.portmap import Port

RESETS = ("rst", "reset", "arst", "areset", "srst", "sys_rst", "por_reset", "hreset", "core_arst")


def directed(name: str) -> list[str]:
    """With every direction, behind it and in front."""
    return [name, *(f"{name}_{way}" for way in DIRECTIONS), *(f"{way}_{name}" for way in DIRECTIONS)]


def spelled(name: str) -> list[str]:
    """In the letters that people use."""
    apart = [word.capitalize() for word in name.split("_")]
    camel = len(apart) > 1 and len(apart[0]) > 1  # what is IRst to a person is one word to anybody else
    return [name, name.upper(), *(["".join(apart)] if camel else [])]


def low_forms() -> list[str]:
    """Every mark behind a name, grown to it and apart, alone and with a direction grown to the mark; and in front."""
    marked = [
        f"{reset}{gap}{mark}{way}" for reset, gap, mark, way in product(RESETS, ("", "_"), LOWS, ("", *DIRECTIONS))
    ]
    marked += [f"{reset}_{mark}" for reset, mark in product(RESETS, MORE_LOWS)]
    marked += [f"{mark}{gap}{reset}" for reset, mark, gap in product(("rst", "reset"), FRONTS, ("", "_"))]
    return [form for name in marked for each in directed(name) for form in spelled(each)]


def test_every_form_of_a_reset_that_is_active_low() -> None:
    wrong = [name for name in low_forms() if not is_reset(name) or not resets_low(name)]
    assert wrong == []


def test_every_form_of_a_reset_that_is_active_high() -> None:
    names = [form for name in (*RESETS, "rst_mac", "reset_0", "rst2", "reset_sync") for each in directed(name)
             for form in spelled(each)]  # fmt: skip
    assert [name for name in names if not is_reset(name) or resets_low(name)] == []


@pytest.mark.parametrize("name", (
    "rst_ni arst_ni i_rst_ni rst_l rst_n_in rst_bi ARESETn s_axi_aresetn HRESETn rstN nRST xrst "
    "rst_n_mac sysRstN"
).split())  # fmt: skip
def test_a_guessed_map_has_it_low(name: str) -> None:
    guess = Guess("t", {each: Port(each, 1, IN) for each in ("clk", name)})
    assert f'reset = {{ port = "{name}", active = "low" }}' in guess.text(["t.v"]).splitlines()


@pytest.mark.parametrize("name", (
    "burst first awburst m_axi_arburst worst_case preset rst_done gt_reset_done rst_req reset_enable "
    "rstreq first_n"
).split())  # fmt: skip
def test_what_only_looks_like_a_reset(name: str) -> None:
    assert not is_reset(name)


def test_beside_a_reset_a_a_reset_b_is_of_part_b() -> None:
    ports = ("clk_a", "clk_b", "rst_a", "rst_b", "rst_b_n")
    assert [resets_low(name, ports) for name in ports[2:]] == [False, False, True]
    assert part("rst_b", ports) == part("clk_b") == "b"
    assert resets_low("rst_b", ("clk", "rst_b"))


@pytest.mark.parametrize("name", (
    "clk clk_i i_clk CLK aclk s_axi_aclk sysClk clk125 clk_125mhz refclk_p clkin mac_clk macclk "
    "rx_clock_in enable_clk clkrx"
).split())  # fmt: skip
def test_a_clock(name: str) -> None:
    assert is_clock(name)


@pytest.mark.parametrize("name", (
    "clk_en clk_enable mac_clk_en_i clken clkEn clk_sel clk_locked block lock clk_ce ref_clk_valid "
    "clk_rst rst_clk clk_gate"
).split())  # fmt: skip
def test_what_is_about_a_clock(name: str) -> None:
    assert not is_clock(name)


@pytest.mark.parametrize(("name", "line"), [
    ("irq", True), ("irq_o", True), ("done_irq", True), ("interrupt", True), ("msi_irq", True), ("o_int", True),
    ("IRQ", True), ("irq_ack", False), ("int_status", False), ("print", False), ("point", False), ("hint", False),
    ("msi_enable", False),
])  # fmt: skip
def test_an_interrupt_line(name: str, line: bool) -> None:
    assert is_line(name) == line


@pytest.mark.parametrize(("name", "right"), [
    ("mac_rst_n", "mac"), ("macresetn", "mac"), ("rst_mac_ni", "mac"), ("nrst_phy", "phy"), ("rst_n", ""),
    ("mac_clk", "mac"), ("macclk", "mac"), ("clk_phy", "phy"), ("clk_i", ""), ("s_aresetn", "s_a"), ("s_aclk", "s_a"),
    ("i_rst_ni", ""),
    ("clk2", "2"), ("rst2_n", "2"), ("n_rst", ""), ("x_mac_rst", "x_mac"),
])  # fmt: skip
def test_the_part_of_a_card(name: str, right: str) -> None:
    assert part(name) == right


def test_what_is_no_reset_is_refused() -> None:
    with pytest.raises(ValueError, match="'burst' is not called like a reset"):
        resets_low("burst")


def test_words_and_forms() -> None:
    assert words("s_axis.tDataOut_i") == ["s", "axis", "t", "data"]
    assert list(forms("S_AXIS.tdata_i")) == ["s_axis_tdata_i", "s_axis_tdata", "s_axis_tdata_i"]
    assert list(forms("i_rx_tdata")) == ["i_rx_tdata", "i_rx_tdata", "rx_tdata"]
    assert words("_") == words("") == []
