"""`ifconfig` and the attach line, as seed 000 prints them. Flags of ifd, ifl and iff are merged for display only."""

from __future__ import annotations

from ringbed.stack.iface.inet6 import Inet6
from ringbed.stack.iface.tree import IfDevice, IfLogical
from ringbed.stack.wire.address import ipv4_text, lladdr_text
from ringbed.stack.wire.family import INET
from ringbed.stack.wire.ipv6 import is_link_local

_FLAGS = {
    0x0001: "UP",
    0x0002: "BROADCAST",
    0x0040: "RUNNING",
    0x0400: "OACTIVE",
    0x0800: "SIMPLEX",
    0x8000: "MULTICAST",
}
_ETHERNET = 0x8802  # what every Ethernet is: BROADCAST, SIMPLEX, MULTICAST


def flags(ifd: IfDevice) -> int:
    """UP: a family is configured. RUNNING: and there is a link. OACTIVE: a transmit ring is full."""
    value = _ETHERNET
    if any(ifl.iffs for ifl in ifd.ifls.values()):
        value |= 0x0041 if ifd.link_up else 0x0001
    if any(ifq.oactive for ifq in ifd.ifqs):
        value |= 0x0400
    return value


def flags_text(value: int) -> str:
    """`8c43<UP,BROADCAST,RUNNING,OACTIVE,SIMPLEX,MULTICAST>`."""
    return f"{value:x}<{','.join(name for bit, name in _FLAGS.items() if value & bit)}>"


def ifconfig(ifl: IfLogical) -> str:
    """The block of one interface, under its short name."""
    ifd = ifl.ifd
    inet = ifl.iffs.get("inet")
    mtu = inet.mtu if inet else ifl.carrier.mtu
    lines = [
        f"{ifl.name if ifl.unit else ifd.name}: flags={flags_text(flags(ifd))} mtu {mtu}",
        f"\tlladdr {lladdr_text(ifd.interface.lladdr)}",
        f"\tindex {ifl.index} priority 0 llprio 3",
    ]
    if ifl.on is not ifd or ifl.carrier.l2_id.tags:
        lines.append(f"\tencap: vnetid {ifl.carrier.l2_id.tags[-1][1]} parent {ifl.on.name}")
    if ifd.media:
        lines.append(f"\tmedia: Ethernet autoselect ({ifd.media})")
    lines.append(f"\tstatus: {'active' if ifd.link_up else 'no carrier'}")
    for ifa in inet.ifas if inet else ():
        mask, ones = INET.mask(ifa.bits), ipv4_text(ifa.all_ones)
        lines.append(f"\tinet {ipv4_text(ifa.local)} netmask {mask:#010x} broadcast {ones}")
    lines += _inet6(ifl)
    return "\n".join(lines)


def _inet6(ifl: IfLogical) -> list[str]:
    iff, lines = ifl.iffs.get("inet6"), list[str]()
    if not isinstance(iff, Inet6):
        return lines
    for ifa in iff.ifas:
        words = [f"\tinet6 {iff.ip.scoped_text(ifa.local, ifl.index)} prefixlen {ifa.bits}"]
        if why := iff.unused.get(ifa.local):
            words.append(why)
        if is_link_local(ifa.local):
            words.append(f"scopeid {ifl.index:#x}")
        lines.append(" ".join(words))
    return lines


def attach_line(ifd: IfDevice) -> str:
    """`ix1 at pci1 dev 0 function 1 "Intel X550T" rev 0x01, msix, 4 queues, address a0:36:9f:e0:52:55`."""
    at = ifd.interface.attachment
    queues = ifd.interface.capabilities.queues
    count = f", {queues} queues" if queues > 1 else ""
    return (
        f'{ifd.name} at {at.location} "{at.product}" rev {at.revision:#04x}, {at.interrupt}{count}, '
        f"address {lladdr_text(ifd.interface.lladdr)}"
    )
