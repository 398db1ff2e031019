import pytest

from ringbed.stack.kern.packet import ICMP_CSUM_OUT, IPV4_CSUM_OUT, TCP_CSUM_OUT, UDP_CSUM_OUT
from ringbed.stack.link.interface import Capabilities, Offload

L4 = TCP_CSUM_OUT | UDP_CSUM_OUT


@pytest.mark.parametrize(
    ("capabilities", "software"),
    [
        (Capabilities(), IPV4_CSUM_OUT | L4 | ICMP_CSUM_OUT),
        (Capabilities(tx_ipv4=True), L4 | ICMP_CSUM_OUT),
        (Capabilities(tx_l4=Offload.PSEUDO), IPV4_CSUM_OUT | L4 | ICMP_CSUM_OUT),
        (Capabilities(tx_ipv4=True, tx_l4=Offload.FULL), ICMP_CSUM_OUT),
    ],
)
def test_what_is_left_for_software(capabilities: Capabilities, software: int) -> None:
    assert capabilities.software() == software


def test_offering_less_is_covered_offering_another_way_is_not() -> None:
    card = Capabilities(tx_ipv4=True, tx_l4=Offload.PSEUDO)
    assert card.covers(card)
    assert card.covers(Capabilities())
    assert card.covers(Capabilities(tx_l4=Offload.PSEUDO))
    assert not card.covers(Capabilities(tx_l4=Offload.FULL))
    assert not card.covers(Capabilities(rx_checksum=True))
    assert not Capabilities().covers(Capabilities(tx_ipv4=True))
