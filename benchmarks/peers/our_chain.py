"""The crowded chain as a game of this package."""

from benchmarks.peers import chain
from smfg_verify.games import LasryLionsChain


def crowded_chain(size: int, crowd: float = chain.CROWD) -> LasryLionsChain:
    """See `benchmarks.peers.chain`; the leader has one action, which costs nothing."""
    return LasryLionsChain(
        num_states=size,
        crowd_weight=crowd / size,
        pull=chain.PULL * size**2,
        fuel=chain.MOVE_COST,
        noise=chain.CHANCES,
        tolls=(0.0,),
        weight=0.0,
        discount=chain.DISCOUNT,
        temperature=1.0,
    )
