from ringbed.stack.ip.core import Core
from ringbed.stack.kern.scheduler import Scheduler


def test_every_ifl_of_a_host_has_an_index_of_its_own_and_none_is_0() -> None:
    core = Core(Scheduler())
    assert [core.new_ifl_index() for _ in range(3)] == [1, 2, 3]
    assert list(core.instances) == [0]
