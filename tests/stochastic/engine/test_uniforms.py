"""Random numbers in blocks of iterations."""

from smfg_verify.stochastic.engine.uniforms import block_length


def test_many_uniforms_make_short_blocks():
    assert [block_length(count) for count in (0, 5, 8, 9, 64)] == [128] * 5
    assert block_length(400) == 20
    assert block_length(10**6) == 1
