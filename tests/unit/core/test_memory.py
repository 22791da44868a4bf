"""The parts of a model's memory add up to the whole."""

from hypothesis import given
from hypothesis import strategies as st

from stoker.core.memory import MemoryNeed, Part, Taken

TAKEN = st.builds(
    Taken, st.sampled_from(Part), st.sampled_from(["cpu", "gpu0"]), st.integers(0, 1 << 40)
)


@given(st.lists(TAKEN))
def test_parts_and_devices_add_up(taken: list[Taken]) -> None:
    need = MemoryNeed(tuple(taken), "formula")
    counted = need.weights_bytes + need.kv_bytes + need.compute_bytes
    assert counted + need.other_bytes == need.total_bytes
    assert need.of(device="cpu") + need.of(device="gpu0") == need.total_bytes
