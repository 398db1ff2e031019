"""What the cases hold a driver to beyond the card's manual, as data: a name, a sentence, and where it is written.

What the manual asks is the checker's (hw/formats/em/rules.py); a finding of either kind looks the same.
"""

from __future__ import annotations

from ringbed.hw.formats.rules import Rule

__all__ = ["RULES"]

WORLD = "drivers/world.py: "
_TABLE = (
    ("call.raised", "a driver raises only where its Protocol says so", WORLD + "Nic"),
    ("call.hung", "a method returns, whatever the card does", WORLD + "Nic"),
    ("call.answer", "what a method gives back is what the Protocol says", WORLD + "Nic"),
    ("attach.address", "the address of the interface is the one that the card's EEPROM holds", WORLD + "Nic.lladdr"),
    ("attach.foreign", "a card of other ids is refused, with AttachError", WORLD + "AttachError"),
    ("attach.dead", "a card that reads as ones everywhere is refused, with AttachError", WORLD + "AttachError"),
    ("frame.lost", "what was taken, or what the card handed on, arrives", WORLD + "Nic.transmit, FrameSink.input"),
    ("frame.extra", "nothing arrives that was not sent", WORLD + "Nic.transmit, FrameSink.input"),
    ("frame.changed", "every byte arrives as it was sent", WORLD + "Nic.transmit, FrameSink.input"),
    ("frame.order", "frames arrive in the order in which they were sent", WORLD + "Nic.transmit, FrameSink.input"),
    ("frame.damaged", "a frame whose FCS is wrong is not handed on", WORLD + "RxFrame"),
    ("frame.overlong", "a frame longer than the MTU allows is counted as a drop and not sent", WORLD + "Nic.TX_DROPS"),
    ("tx.restart", "a driver that took fewer than it was offered says restart when it has room", WORLD + "FrameSink"),
    ("account.lost", "each frame is delivered or counted under one cause", WORLD + "Nic.counters"),
    ("sum.wrong", "a sum that `capabilities` claims is made", WORLD + "Capabilities"),
    ("verdict.wrong", "a verdict is what is true of the frame", WORLD + "RxFrame.verdict"),
    ("verdict.missing", "a driver that claims receive checksums tells good from bad", WORLD + "Capabilities"),
    ("cut.wrong", "a message becomes the segments that its Segmentation says", WORLD + "Segmentation"),
    ("vlan.wrong", "a tag is put in, or taken out, where `capabilities` claims it", WORLD + "TxFrame.vlan"),
    ("filter.missed", "a frame that is wanted is handed on", WORLD + "Nic.set_multicast"),
    ("filter.passed", "a frame that nobody wants is not handed on", WORLD + "Nic.set_multicast"),
    ("set.ignored", "what a setter took is in force, and is what is told afterwards", "drivers/ethtool.py: Ethtool"),
    ("set.unchecked", "a value that cannot be is refused, with ValueError", "drivers/ethtool.py: Ethtool"),
    ("link.untold", "the sink is told of the link as it is", WORLD + "FrameSink.link"),
    ("pause.ignored", "flow control that is in force is obeyed", "drivers/ethtool.py: LinkState"),
    ("moderation.ignored", "interrupts are as few as was set", "drivers/ethtool.py: Coalesce"),
    ("reset.stuck", "after trouble, frames go round again", WORLD + "Nic.watchdog"),
    ("down.kept", "a driver that is down keeps no memory that the card was given", WORLD + "Nic.down"),
    ("down.alive", "a driver that is down neither sends nor hands on", WORLD + "Nic.down"),
)  # fmt: skip

RULES: dict[str, Rule] = {name: Rule(name, sentence, section) for name, sentence, section in _TABLE}
