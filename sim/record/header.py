"""What a recording says of the card it is of: enough to open one like it, and to know whether it is the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from importlib import metadata, resources
from typing import Any

from ringbed.sim.native.build import Progress, rtl_hash, verilog_of
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.settings import Settings
from ringbed.sim.seam.spec import NicSpec

__all__ = ["Header", "header_of"]

RATIO = re.compile(r"[1-9]\d{0,17}(/[1-9]\d{0,17})?")  # hertz


@dataclass(frozen=True, slots=True)
class Header:
    """`ringbed`: its version. `nic`: the name of the card's spec, `params` its parameters. `rtl`, `harness`: digests of
    the card's Verilog and of the C++ around it. `pins`: names, as PIN records number them.
    """

    ringbed: str
    nic: str
    params: str
    rtl: str
    harness: str
    pins: tuple[str, ...]
    settings: Settings

    def differences(self, other: Header) -> list[str]:
        """What is not the same here as in `other`, the recording, each in a few words."""
        found = [f"{what} {getattr(other, name)!r}, here {getattr(self, name)!r}" for name, what in (
            ("ringbed", "it was recorded by ringbed"), ("nic", "the card is"), ("params", "its parameters are"),
        ) if getattr(self, name) != getattr(other, name)]  # fmt: skip
        for name, what in (("rtl", "the RTL"), ("harness", "what is around it")):
            if (here := getattr(self, name)) != (there := getattr(other, name)):
                found.append(f"{what} is another (digest {there[:12]}, here {here[:12]})")
        return found

    def text(self) -> str:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return json.dumps(values | {"settings": _plain(self.settings)}, indent=1)

    @classmethod
    def parse(cls, text: bytes) -> Header:
        """Raises ValueError with what is wrong."""
        try:
            values = json.loads(text)
        except RecursionError:
            raise ValueError("it is too deep") from None
        if not isinstance(values, dict) or values.keys() != {each.name for each in fields(cls)}:
            raise ValueError("its header has other keys")
        settings, pins = values.pop("settings"), values.pop("pins")
        if not _texts(list(values.values())) or not _texts(pins) or not isinstance(settings, dict):
            raise ValueError("its header has values of other kinds")
        return cls(**values, pins=tuple(pins), settings=_settings(settings))


def header_of(spec: NicSpec, settings: Settings, progress: Progress | None = None) -> Header:
    """Of a card that is opened here. Raises BuildError."""
    rtl = hashlib.sha256((verilog_of(spec, progress) + rtl_hash(spec)).encode()).hexdigest()
    pins = tuple(pin.name for pin in spec.portmap.pins)
    params = repr(sorted(spec.params.items()))
    return Header(metadata.version("ringbed"), spec.name, params, rtl, _harness(), pins, settings)


def _harness() -> str:
    digest = hashlib.sha256()
    for entry in sorted((resources.files("ringbed.sim.native") / "harness").iterdir(), key=lambda entry: entry.name):
        digest.update(entry.read_bytes() if entry.is_file() else b"")
    return digest.hexdigest()


def _texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(each, str) for each in values)


def _plain(settings: Settings) -> dict[str, object]:
    return {each.name: getattr(settings, each.name) for each in fields(settings)} | {
        "frequency": str(settings.frequency.hz), "plusargs": list(settings.plusargs),
    }  # fmt: skip


def _settings(values: Mapping[str, Any]) -> Settings:
    """Raises ValueError."""
    hertz = values.get("frequency")
    if not isinstance(hertz, str) or not RATIO.fullmatch(hertz):
        raise ValueError(f"its header has no frequency such as '125000000', but {hertz!r}")
    return Settings.of({**values, "frequency": Frequency(Fraction(hertz))})
