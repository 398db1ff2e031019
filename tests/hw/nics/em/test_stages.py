"""The `stages` port of `em`: its bits are those the port map names, and each drop cause has one."""

from __future__ import annotations

from ringbed.hw.nics.em.stages import RX_STAGES, TX_STAGES
from ringbed.hw.rx.admit import DROPS
from ringbed.hw.tx.ring import REFUSALS
from ringbed.sim import cards


def test_the_port_map_is_the_layout() -> None:
    stages = cards.em().portmap.stages
    assert stages is not None
    layouts = {"rx": RX_STAGES, "tx": TX_STAGES}
    wanted = [(group, name, shape) for group, layout in layouts.items() for name, shape in layout.members.items()]
    assert [(stage.group, stage.name, stage.width) for stage in stages.order] == wanted


def test_every_cause_has_a_stage_of_its_own() -> None:
    """One that has none is counted as `other`, and the journey of its frames does not say why it ended."""
    assert {"drop_" + cause for cause in DROPS} <= set(RX_STAGES.members)
    assert {"refuse_" + cause for cause in REFUSALS} <= set(TX_STAGES.members)
