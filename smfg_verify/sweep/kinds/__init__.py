"""What a sweep can compute, one module a kind; importing this makes all of them known."""

from smfg_verify.sweep.kinds import checking, comparing, running, solving, validating

__all__ = ["checking", "comparing", "running", "solving", "validating"]
