"""Is a compiled program's cost added up from its text as often as loops go round, and is the nearer limit found?"""

import jax
import jax.numpy as jnp
import pytest

from benchmarks import roofline
from benchmarks.rig.hlo import cost_of
from benchmarks.rig.work import work_of
from benchmarks.rig.workloads import WORKLOADS

TEXT = """HloModule jit_update, is_scheduled=true

%fused (a: f32[8,128]) -> f32[8,128] {
  %a = f32[8,128]{1,0} parameter(0)
  ROOT %b = f32[8,128]{1,0} negate(%a), backend_config={"estimated_cycles":"100000"}
}

%body (carry: (s32[], f32[8,128])) -> (s32[], f32[8,128]) {
  %carry = (s32[], f32[8,128]{1,0}) parameter(0)
  %x = f32[8,128]{1,0:T(8,128)} get-tuple-element(%carry), index=1
  %half = bf16[8,128]{1,0:T(8,128)S(1)} fusion(%x), kind=kLoop, calls=%fused, backend_config={"estimated_cycles":"10"}
  %rows = f32[2,128]{1,0:T(8,128)} fusion(%half), kind=kCustom, calls=%fused, metadata={op_name="gather"}
  ROOT %next = (s32[], f32[8,128]{1,0}) tuple(%one, %x)
}

%inner (count: s32[]) -> s32[] {
  %count = s32[] parameter(0)
  ROOT %more = s32[] add(%count, %count), backend_config={"estimated_cycles":"1000"}
}

%enough (carry: (s32[], f32[8,128])) -> pred[] {
  ROOT %is_enough = pred[] constant(false)
}

ENTRY %main (x: f32[8,128]) -> f32[8,128] {
  %x = f32[8,128]{1,0:T(8,128)} parameter(0)
  %one = s32[] constant(1)
  %start = (f32[8,128]{1,0:S(1)}, f32[8,128]{1,0}, u32[]{:S(2)}) copy-start(%x)
  %near = f32[8,128]{1,0:S(1)} copy-done(%start)
  %joined = f32[8,128]{1,0} custom-call(%x, %x), custom_call_target="ConcatBitcast"
  %carry = (s32[], f32[8,128]{1,0}) tuple(%one, %x)
  %loop = (s32[], f32[8,128]{1,0}) while(%carry), condition=%enough, body=%body
  %stated = s32[] while(%one), condition=%enough, body=%inner, backend_config={"known_trip_count":{"n":"7"}}
  ROOT %out = f32[8,128]{1,0:T(8,128)} copy(%x), backend_config={"window":{"estimated_cycles":"1"}}
}
"""
FLOAT, ROWS = 4 * 8 * 128, 4 * 2 * 128


@pytest.mark.parametrize("trips", [1, 3])
def test_operations_count_as_often_as_their_loop_goes_round(trips):
    cost = cost_of(TEXT, trips)
    assert cost.cycles == 1 + trips * 10 + 7 * 1000  # nothing of what is fused, which is told by its fusion
    assert cost.costed == 3 and dict(cost.uncosted) == {"fusion": 1}
    # A copy reads and writes; to the chip it only reads; `half` lies on the chip, so it is read from and not written.
    assert cost.bytes == 2 * FLOAT + FLOAT + trips * (FLOAT + ROWS) + 7 * 3 * 4


def test_a_branch_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="which branch"):
        cost_of(TEXT.replace("copy-done(%start)", "conditional(%x, %x, %x)"), 1)


def test_bytes_are_those_that_the_compiler_counts():
    def update(weights, x, count):
        return jax.lax.fori_loop(0, count, lambda _, y: jnp.tanh(y @ weights), x)

    shapes = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((64, 64), (128, 64)))
    compiled = jax.jit(update).lower(*shapes, jax.ShapeDtypeStruct((), jnp.int32)).compile()
    analysis = compiled.cost_analysis()
    assert analysis is not None
    assert cost_of(compiled.as_text(), 1).bytes == pytest.approx(analysis["bytes accessed"], rel=0.01)


def test_the_nearer_limit_is_the_roofline():
    limits = roofline.Limits({"highest": 10e12, "bf16": 60e12}, 1e12)
    assert roofline.seconds_at_limits(30e12, 2e12, limits, "highest") == {"arithmetic": 3, "memory": 2, "roofline": 3}
    assert roofline.seconds_at_limits(30e12, 2e12, limits, "bf16")["roofline"] == 2


def test_the_clock_of_a_chip_is_that_which_its_data_sheet_implies():
    v5e = roofline.LIMITS["v5e"]
    assert v5e.clock == pytest.approx(1.5e9, rel=0.01)
    assert v5e.flops["bf16"] == 6 * v5e.flops["highest"] == 6 * v5e.flops["tf32"]


def test_padding_is_counted_as_the_examples_that_it_is(tmp_path):
    run = WORKLOADS["W4"].with_form(tmp_path, "plain")
    assert work_of(run, 200).flops == work_of(run).flops and work_of(run, 1300).flops == 6.5 * work_of(run).flops


def test_the_compiler_counts_about_the_products_that_are_counted_by_hand():
    row = roofline.row_of("P31", "cpu", 1)
    assert row["blocks"] == 5 and row["useful"] == pytest.approx(576 / 640, rel=0.02)
    assert row["flops_by_hand"] < row["flops"] < 1.2 * row["flops_by_hand"]
