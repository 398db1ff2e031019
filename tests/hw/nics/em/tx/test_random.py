"""Any descriptors at all against a naive interpreter: frames on the wire, every counter, every byte written back.

Kinds of frame, fields, cuts, alignments, tails and moderation are drawn; EN and the link go down and come up on the
way. Nothing here knows how the card does it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from ringbed.hw.formats import em
from ringbed.sim.cards import WIDTHS
from tests.hw.nics.em.bench import CAUSE, Card, Opener, R
from tests.hw.nics.em.tx.oracle import Oracle

Used = tuple[bytes, bytes]  # a descriptor, and what lies at its address
DD = 1


def piece(card: Card, rng: random.Random, extended: bool, data: bytes, **fields: int) -> Used:
    """One data or legacy descriptor with everything drawn that `fields` does not say. Without data: null somehow."""
    address = card.buffer(data, rng.choice((None, rng.randrange(4096)))) if data else 0
    length = len(data) or rng.choice((0, rng.randrange(2000)))
    if not length:
        address = rng.choice((0, rng.randrange(1 << 40)))
    values = {
        "IFCS": int(rng.random() < 0.9), "VLE": int(rng.random() < 0.3), "special": rng.randrange(1 << 16),
        "IDE": int(rng.random() < 0.2), "RS": int(rng.random() < 0.6), "EOP": 0,
    }  # fmt: skip
    if extended:
        values |= {"IXSM": rng.randrange(2), "TXSM": rng.randrange(2), "DTYP": 1, "DEXT": 1, "DTALEN": length}
        return em.TX_DATA.encode(address=address, **(values | fields)), data
    values |= {"CSO": rng.randrange(256), "CSS": rng.randrange(256), "IC": rng.randrange(2), "length": length}
    return em.TX_LEGACY.encode(address=address, **(values | fields)), data


def pieces(card: Card, rng: random.Random, extended: bool, data: bytes, **fields: int) -> list[Used]:
    """A whole frame, cut anywhere, into nothing too."""
    edges = [0, *sorted(rng.choices(range(len(data) + 1), k=rng.choice((0, 0, 1, 2, 7)))), len(data)]
    made = [piece(card, rng, extended, data[a:b], **fields) for a, b in zip(edges, edges[1:-1], strict=False)]
    return [*made, piece(card, rng, extended, data[edges[-2] :], **(fields | {"EOP": 1}))]


def plain_context(rng: random.Random) -> Used:
    ends = rng.choice((0, rng.randrange(2000))), rng.choice((0, rng.randrange(2000)))
    return em.TX_CONTEXT.encode(
        IPCSS=rng.randrange(64), IPCSO=rng.randrange(256), IPCSE=ends[0], TUCSS=rng.randrange(128), DEXT=1,
        TUCSO=rng.randrange(256), TUCSE=ends[1], TCP=rng.randrange(2), RS=rng.randrange(2), MSS=rng.randrange(1 << 16),
    ), b""  # fmt: skip


def message(card: Card, rng: random.Random) -> list[Used]:
    """A message; its fields lie in the header or wholly behind it, and on no other."""
    header, mss = rng.choice((54, 66, rng.randint(1, 240))), rng.choice((rng.randint(1, 80), rng.randint(64, 1500)))
    payload = max(1, rng.choice((rng.randint(1, 5 * mss), 3 * mss, mss, mss + 1, mss - 1)))
    said = payload if rng.random() < 0.8 else max(1, payload + rng.choice((-1, 1, mss, -mss)))
    while True:
        tcp, ipv4, l3, l4 = rng.randrange(2), rng.randrange(2), rng.randrange(50), rng.randrange(100)
        at = rng.choice((l4 + 16, l4 + 6, rng.randrange(255)))
        ip = [range(l3 + 2, l3 + 6)] if ipv4 else [range(l3 + 4, l3 + 6)] if tcp else []
        top = [range(l4 + 4, l4 + 8), range(l4 + 13, l4 + 14)] if tcp else [range(l4 + 4, l4 + 6)] if ipv4 else []
        places = [*ip, *top, *([range(at, at + 2)] if tcp or ipv4 else [])]
        used = [byte for place in places for byte in place]
        if len(set(used)) == len(used) and all(p[0] >= header or p[-1] < header for p in places):
            break
    context = em.TX_CONTEXT.encode(
        IPCSS=l3, IPCSO=rng.choice((l3 + 10, rng.randrange(256))), IPCSE=rng.choice((0, l4)), TUCSS=l4, TUCSO=at,
        TUCSE=rng.choice((0, 0, rng.randrange(500))), TCP=tcp, IP=ipv4, TSE=1, DEXT=1, RS=rng.randrange(2),
        PAYLEN=said, HDRLEN=header, MSS=mss,
    )  # fmt: skip
    return [(context, b""), *pieces(card, rng, True, rng.randbytes(header + payload), TSE=1)]


def mixed(card: Card, rng: random.Random) -> list[Used]:
    """A frame nobody may write: legacy and data descriptors in one, a context inside it, a DTYP that is none."""
    data, legacy = piece(card, rng, True, rng.randbytes(50), TSE=rng.randrange(2)), piece(card, rng, False, b"legacy")
    begins = rng.choice(([data, legacy], [legacy, data], [data, plain_context(rng)], [legacy, plain_context(rng)],
                         [piece(card, rng, True, b"what", DTYP=rng.randint(2, 15))]))  # fmt: skip
    return [*begins, piece(card, rng, rng.random() < 0.5, rng.randbytes(40), EOP=1)]


def unit(card: Card, rng: random.Random) -> list[Used]:
    kind = rng.choices(("legacy", "data", "message", "context", "mixed", "null", "long"), (8, 8, 8, 2, 1, 1, 0.2))[0]
    size = rng.choice((rng.randint(1, 70), rng.randint(60, 1600), rng.choice((11, 12, 13, 59, 60, 61, 1514))))
    data = bytes(size) if rng.random() < 0.1 else rng.randbytes(size)
    match kind:
        case "message":
            return message(card, rng)
        case "context":
            return [plain_context(rng)]
        case "mixed":
            return mixed(card, rng)
        case "null":
            return pieces(card, rng, False, b"")
        case "long":
            data = rng.randbytes(rng.choice((16288, 16289, 20_000)))
    return pieces(card, rng, kind == "data", data, TSE=0) if kind == "data" else pieces(card, rng, False, data)


def disturb(card: Card, rng: random.Random) -> None:
    """Some time; sometimes a register that stops and starts transmission, or changes when it is told of."""
    kind = rng.randrange(8)
    if kind < 3:
        name, bit = (("TCTL", R["TCTL"].mask("EN")), ("CTRL", R["CTRL"].mask("SLU")), ("CTRL", 1 << 31))[kind]
        before = card.get(name)
        card.set(name, before ^ bit)
        card.run(rng.randrange(1500))
        card.set(name, before)
    elif kind == 3:
        moderate(card, rng)
    card.run(rng.randrange(800))


def moderate(card: Card, rng: random.Random) -> None:
    card.set("TIDV", rng.choice((0, 1, 8)))
    card.set("TADV", rng.choice((0, 1, 20)))
    card.set("TXDCTL", rng.choice((0, 1, 3, 8, 40)) << R["TXDCTL"]["WTHRESH"].lsb)


def written_back(card: Card, used: list[Used]) -> None:
    """All of the descriptors still in the ring: DD where RS asked for it, and not a bit else."""
    done = card.reclaim()
    for got, (word, _) in zip(done, used[-len(done) :], strict=True):
        rs = em.TX_LEGACY.decode(word)["RS"]
        assert got == word[:12] + bytes([word[12] | DD if rs else word[12]]) + word[13:]


def rounds(card: Card, rng: random.Random) -> Iterator[Oracle]:
    """Forty frames each, with other switches; yields what must have come of them all."""
    oracle = Oracle(vme=False, vet=rng.randrange(1 << 16), pad=True)
    card.set("VET", oracle.vet)
    for _ in range(4):
        oracle.vme, oracle.pad = rng.random() < 0.6, rng.random() < 0.6
        card.set("CTRL", R["CTRL"].mask("SLU", *(["VME"] if oracle.vme else [])))
        card.set("TCTL", R["TCTL"].mask("EN", *(["PSP"] if oracle.pad else [])))
        moderate(card, rng)
        card.get("ICR")
        used = [each for _ in range(40) for each in unit(card, rng)]
        for word, data in used:
            oracle.use(word, data)
        words = [word for word, _ in used]
        while words:
            batch = words[: rng.randrange(1, 60)]
            del words[: len(batch)]
            card.push(batch, rng.choice((0, 1, 5)))
            disturb(card, rng)
        card.settle()
        written_back(card, used)
        causes = card.get("ICR")
        assert bool(causes & CAUSE["TXDW"]) == any(em.TX_LEGACY.decode(word)["RS"] for word, _ in used)
        assert causes & CAUSE["TXQE"]
        yield oracle


def all_of_it(native: Opener, width: int, seed: int) -> None:
    rng = random.Random(seed)
    card = native(width=width, tx=rng.choice((8, 64, 256)), read_latency=rng.choice((1, 50, 250)), seed=seed,
                  write_latency=rng.choice((1, 50, 250)), backpressure=rng.choice((0.0, 0.3, 0.6)))  # fmt: skip
    for oracle in rounds(card, rng):
        assert card.sent() == oracle.wire
        oracle.wire.clear()
        got = {name: count for name, count in card.counts().items() if name.startswith("RB_TX")}
        assert got == {name: count for name, count in oracle.counts.items() if name.startswith("RB_")}
        for name in ("TSCTC", "TSCTFC"):
            assert card.get(name) == oracle.counts.pop(name, 0)
        assert card.inside() == (0, 0)


@pytest.mark.parametrize("width", [64, 512])
@pytest.mark.parametrize("seed", range(6))
def test_any_descriptors(native: Opener, width: int, seed: int) -> None:
    all_of_it(native, width, seed)


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("batch", range(100, 104))
def test_any_descriptors_more(native: Opener, width: int, batch: int) -> None:
    for seed in range(20 * batch, 20 * batch + 20):
        all_of_it(native, width, seed)
