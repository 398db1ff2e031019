from typing import TYPE_CHECKING, Any

from ringbed.sim.moved import old_name

if not TYPE_CHECKING:  # type checkers shall find a name that is nowhere

    def __getattr__(name: str) -> Any:
        return old_name(__name__, name)
