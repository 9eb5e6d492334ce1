"""A chain whose followers avoid the crowd by its logarithm, which empty states make steep."""

from smfg_verify.games import LasryLionsChain


def crowd_averse_chain(size: int, of: type[LasryLionsChain] = LasryLionsChain, **parameters) -> LasryLionsChain:
    chosen = {"crowd": "log", "crowd_weight": 1.0, "floor": 1e-10, "fuel": 0.1, **parameters}
    return of(num_states=size, **chosen)
