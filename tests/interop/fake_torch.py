"""As much of torch as the import of an environment calls, on NumPy; derivatives by central differences."""

import types

import numpy as np

_STEP = 1e-4


class Tensor:
    """An array with torch's names."""

    __array_priority__ = 1000

    def __init__(self, values):
        self.values = np.asarray(values, dtype=float)

    dtype = "torch.float64"
    shape = property(lambda self: self.values.shape)
    T = property(lambda self: Tensor(self.values.T))

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)

    def __getattr__(self, name):
        if name in ("double", "detach", "cpu"):
            return lambda: self
        raise AttributeError(name)

    def reshape(self, *shape):
        return Tensor(self.values.reshape(*shape))

    def sum(self, axis, keepdim=False):
        return Tensor(self.values.sum(axis, keepdims=keepdim))

    def __matmul__(self, other):
        return Tensor(self.values @ _values(other))

    def __truediv__(self, other):
        return Tensor(self.values / _values(other))


Tensor.__module__ = "torch"


def _values(value):
    return value.values if isinstance(value, Tensor) else value


def _jacobian(function, at, create_graph=False):
    steps = _STEP * np.eye(at.shape[0])
    ends = [[_values(function(Tensor(at.values + sign * step))) for sign in (1.0, -1.0)] for step in steps]
    return Tensor(np.stack([(up - down) / (2.0 * _STEP) for up, down in ends], axis=-1))


def fake_torch():
    """A module to stand in `sys.modules` for torch."""
    module = types.ModuleType("torch")
    module.float64 = module.default = "torch.float64"
    module.Tensor = Tensor
    module.tensor = lambda values, dtype: Tensor(_values(values))
    module.get_default_dtype = lambda: module.default
    module.set_default_dtype = lambda dtype: setattr(module, "default", dtype)
    module.autograd = types.SimpleNamespace(functional=types.SimpleNamespace(jacobian=_jacobian))
    return module
