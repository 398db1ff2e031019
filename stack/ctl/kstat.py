"""`kstat`: the state of the interface queues, as seed 000 prints it."""

from __future__ import annotations

from ringbed.stack.kern.ifq import Ifiq, Ifq
from ringbed.stack.stack import Stack


def rxq(queue: Ifiq) -> dict[str, str]:
    return {
        "packets": f"{queue.packets} packets",
        "bytes": f"{queue.bytes} bytes",
        "qdrops": f"{queue.qdrops.value} packets",
        "qlen": f"{len(queue)} packets",
        "enqueues": f"{queue.enqueues}",
        "dequeues": f"{queue.dequeues}",
    }


def txq(queue: Ifq) -> dict[str, str]:
    return {
        "packets": f"{queue.packets} packets",
        "bytes": f"{queue.bytes} bytes",
        "qdrops": f"{queue.qdrops.value} packets",
        "qlen": f"{len(queue)} packets",
        "maxqlen": f"{queue.maxlen} packets",
        "oactive": "true" if queue.oactive else "false",
        "oactives": f"{queue.oactives}",
    }


def kstat(stack: Stack) -> str:
    """All queues of all devices: `em0:0:rxq:0`, `em0:0:txq:0`, ..."""
    blocks: list[tuple[str, dict[str, str]]] = []
    for ifd in stack.devices():
        blocks += [(queue.title, rxq(queue)) for queue in ifd.ifiqs]
        blocks += [(queue.title, txq(queue)) for queue in ifd.ifqs]
    return "\n".join(
        "\n".join([title, *(f"{name:>12}: {value}" for name, value in values.items())]) for title, values in blocks
    )
