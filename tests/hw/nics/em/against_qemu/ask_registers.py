"""Questions about identity, registers, EEPROM and PHY."""

from __future__ import annotations

from collections.abc import Callable

from ringbed.hw.formats import em
from tests.hw.nics.em.against_qemu.experiments import causes, experiment
from tests.hw.nics.em.bench import CAUSE, Card, R


@experiment()
def status_after_link(card: Card) -> str:
    return hex(card.get("STATUS"))


@experiment(up=False)
def ctrl_at_reset(card: Card) -> str:
    return hex(card.get("CTRL"))


@experiment()
def software_reset_clears(card: Card) -> list[str]:
    """Of registers written before CTRL.RST, those that are at their reset value after it."""
    values = {"RCTL": 2, "TCTL": 2, "IMS": CAUSE["RXT0"], "RXDCTL": 0x10101, "TIPG": 5, "RDTR": 9}
    for name, value in values.items():
        card.set(name, value)
    card.get("STATUS")
    card.reset(limit=10**9)
    return [name for name in values if card.get(name) == R[name].reset]


def kept(name: str, value: int) -> Callable[[Card], str]:
    def ask(card: Card) -> str:
        card.set(name, value)
        return hex(card.get(name))

    ask.__name__ = f"kept_{name.lower()}"
    return ask


for _name, _value in {
    "TIPG": 0x0060_200A, "RXDCTL": 0x0102_0304, "TXDCTL": 0x0102_0304, "RXCSUM": 0x70E, "PBA": 0x20,
    "RDLEN": 0x1F80, "TDLEN": 0x1FFF, "RDBAL": 0xABCD_1234, "RDBAH": 0x12, "RDTR": 0x1234, "RADV": 0x1234,
    "TIDV": 0x1234, "TADV": 0x1234, "ITR": 0x1234, "RSRPD": 0x123, "FCAL": 0x00C2_8001, "FCAH": 0x0100, "FCT": 0x8808,
    "FCTTV": 0x1234, "TXCW": 0xC000_1234, "FCRTL": 0x8000_2000, "FCRTH": 0x4000, "VET": 0x88A8,
}.items():  # fmt: skip
    experiment(up=False)(kept(_name, _value))


@experiment(up=False)
def vet_at_reset(card: Card) -> str:
    return hex(card.get("VET"))


@experiment()
def ics_shows_icr_and_clears_nothing(card: Card) -> list[str]:
    card.get("ICR")
    card.set("ICS", CAUSE["RXO"])
    return [hex(card.get("ICS") & CAUSE["RXO"]), causes(card), causes(card)]


@experiment(up=False)
def every_cause_set_by_ics(card: Card) -> tuple[str, str]:
    """Those without a source too: self tests of drivers in use set bits 0 to 9 one by one."""
    every = (1 << 17) - 1
    card.set("IMS", every)
    mask = card.get("IMS")
    card.set("IMC", every)
    found = 0
    for bit in range(17):
        card.set("ICS", 1 << bit)
        found |= card.get("ICR") & 1 << bit
    return hex(mask & every), hex(found)


@experiment()
def icr_is_cleared_by_ones(card: Card) -> str:
    card.get("ICR")
    card.set("ICS", CAUSE["RXO"] | CAUSE["LSC"])
    card.set("ICR", CAUSE["RXO"])
    return causes(card)


@experiment(up=False)
def eecd_grant_without_request(card: Card) -> int:
    return R["EECD"]["GNT"].get(card.get("EECD"))


def eerd(card: Card, index: int) -> tuple[int, int]:
    card.set("EERD", R["EERD"].pack(START=1, ADDR=index))
    for _ in range(200):
        card.run(125)
        value = card.get("EERD")
        if value & R["EERD"].mask("DONE"):
            return 1, R["EERD"]["DATA"].get(value)
    return 0, 0


@experiment(up=False)
def eerd_of_the_address(card: Card) -> list[tuple[int, int]]:
    return [eerd(card, index) for index in range(3)]


@experiment(up=False)
def eeprom_sum(card: Card) -> int:
    return sum(eerd(card, index)[1] for index in range(em.EEPROM_WORDS)) & 0xFFFF


@experiment(up=False)
def eerd_beyond_the_part(card: Card) -> tuple[int, int]:
    return eerd(card, 0x40)


def pins(card: Card, **bits: int) -> int:
    """EECD with these pins; 1 us for the part, then DO."""
    card.set("EECD", R["EECD"].pack(REQ=1, **bits))
    card.run(125)
    return R["EECD"]["DO"].get(card.get("EECD"))


def microwire(card: Card, index: int) -> list[int]:
    """DO while SK is high: in the command's last clock, where a 93C46 gives its dummy bit, and then 16 times."""
    pins(card)
    pins(card, CS=1)
    for bit in f"110{index:06b}":
        pins(card, CS=1, DI=int(bit))
        last = pins(card, CS=1, DI=int(bit), SK=1)
        pins(card, CS=1, DI=int(bit))
    found = [last]
    for _ in range(16):
        found.append(pins(card, CS=1, SK=1))
        pins(card, CS=1)
    pins(card)
    card.set("EECD", 0)
    return found


@experiment(up=False)
def microwire_words(card: Card) -> list[str]:
    return [f"{int(''.join(map(str, microwire(card, index)[1:])), 2):04x}" for index in range(3)]


@experiment(up=False)
def microwire_dummy_bit(card: Card) -> int:
    """Of a word that begins with a 1 the difference can be seen."""
    tops = {index: eerd(card, index)[1] >> 15 for index in range(em.EEPROM_WORDS)}
    return microwire(card, next(index for index, top in tops.items() if top))[0]


def mdic(card: Card, register: int, address: int = 1) -> str:
    card.set("MDIC", R["MDIC"].pack(REGADD=register, PHYADD=address, OP=2))
    for _ in range(200):
        card.run(1250)
        value = card.get("MDIC")
        if value & R["MDIC"].mask("R", "E"):
            return f"{'E' if value & R['MDIC'].mask('E') else 'R'} {value & 0xFFFF:04x}"
    return "never ready"


@experiment()
def phy_id(card: Card) -> list[str]:
    return [mdic(card, 2), mdic(card, 3)]


@experiment()
def phy_status_with_link(card: Card) -> str:
    mdic(card, 1)
    return mdic(card, 1)


@experiment()
def phy_registers_that_answer(card: Card) -> list[int]:
    return [register for register in range(32) if mdic(card, register)[0] == "R"]


@experiment()
def phy_address_that_is_not_there(card: Card) -> str:
    return mdic(card, 0, address=2)[0]
