"""How the programs of a check are compiled, see `smfg_verify.exact.compiling`."""

from smfg_verify.exact.compiling import jit as jit
from smfg_verify.exact.compiling import jit_for_game as jit_for_game
from smfg_verify.exact.compiling import tangent_entries as tangent_entries
from smfg_verify.game.compiling import OLD_EMITTERS as OLD_EMITTERS
from smfg_verify.game.compiling import UNOPTIMISED as UNOPTIMISED
