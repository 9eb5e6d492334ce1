"""What a game is: its contract, games given by arrays, and the checks every entry point runs."""

from smfg_verify.game.base import AbstractGame as AbstractGame
from smfg_verify.game.base import Dependence as Dependence
from smfg_verify.game.base import MeanFieldSupport as MeanFieldSupport
from smfg_verify.game.base import as_parameter as as_parameter
from smfg_verify.game.base import game_name as game_name
from smfg_verify.game.base import is_traced as is_traced
from smfg_verify.game.base import leader_logits_shape as leader_logits_shape
from smfg_verify.game.base import mean_field_shape as mean_field_shape
from smfg_verify.game.base import num_leader_observations as num_leader_observations
from smfg_verify.game.base import parameter as parameter
from smfg_verify.game.compiling import compiled_for_game as compiled_for_game
from smfg_verify.game.foreign import SourceGap as SourceGap
from smfg_verify.game.foreign import require_source_agrees as require_source_agrees
from smfg_verify.game.foreign import sampled_table as sampled_table
from smfg_verify.game.foreign import source_gap as source_gap
from smfg_verify.game.foreign import untraced_functions as untraced_functions
from smfg_verify.game.identity import game_hash as game_hash
from smfg_verify.game.prepared import class_of as class_of
from smfg_verify.game.prepared import is_prepared as is_prepared
from smfg_verify.game.prepared import traced as traced
from smfg_verify.game.sparse_tabular import SparseTabularGame as SparseTabularGame
from smfg_verify.game.tables import dense_transition as dense_transition
from smfg_verify.game.tables import over_indices as over_indices
from smfg_verify.game.tabular import TabularGame as TabularGame
from smfg_verify.game.validation import validate as validate
