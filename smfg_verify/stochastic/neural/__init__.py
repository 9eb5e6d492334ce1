"""AC-SMFG with function approximation, on the continuous linear-quadratic game; needs the extra `neural` (optax)."""

from smfg_verify.stochastic.neural.ac_smfg import neural_ac_smfg as neural_ac_smfg
from smfg_verify.stochastic.neural.network_trace import NeuralTrace as NeuralTrace
from smfg_verify.stochastic.neural.network_trace import fit_policy as fit_policy
from smfg_verify.stochastic.neural.network_trace import normal_average as normal_average
from smfg_verify.stochastic.neural.networks import AbstractNetworks as AbstractNetworks
from smfg_verify.stochastic.neural.networks import MLPNetworks as MLPNetworks
from smfg_verify.stochastic.neural.networks import QuadraticNetworks as QuadraticNetworks
