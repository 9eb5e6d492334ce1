"""Numbers in words that never say more than is known: a bound is rounded to its safe side when it is printed."""

import decimal
import math
import re

_GENERAL = re.compile(r"\.(\d+)g")


class _Rounded(float):
    """A number whose text in the format `.Ng` is rounded one way, not to nearest."""

    direction: str

    def __format__(self, spec: str) -> str:
        digits = _GENERAL.fullmatch(spec)
        if digits is None or not math.isfinite(self) or self == 0.0:
            return super().__format__(spec)
        # The shortest decimal that is this float, so that 0.3 stays 0.3: a text is read back as a float.
        shortest = decimal.Decimal(float.__repr__(self))
        unit = decimal.Decimal((0, (1,), shortest.adjusted() - max(1, int(digits[1])) + 1))
        return format(float(shortest.quantize(unit, rounding=self.direction)), spec)


class _Down(_Rounded):
    direction = decimal.ROUND_FLOOR


class _Up(_Rounded):
    direction = decimal.ROUND_CEILING


def at_least(bound: float) -> float:
    """A lower bound as a number whose text, read as a float, is one too: `f"{at_least(0.49999):.4g}"` is "0.4999"."""
    return _Down(bound)


def at_most(bound: float) -> float:
    """An upper bound as a number whose text, read as a float, is one too: `f"{at_most(0.50001):.4g}"` is "0.5001"."""
    return _Up(bound)
