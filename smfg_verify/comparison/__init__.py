"""Methods held against each other on one game: the same samples, the same tuning, exact measures."""

from smfg_verify.comparison.compare import CompareSettings as CompareSettings
from smfg_verify.comparison.compare import Comparison as Comparison
from smfg_verify.comparison.compare import compare as compare
from smfg_verify.comparison.contenders import REFERENCE as REFERENCE
from smfg_verify.comparison.contenders import contender_names as contender_names
from smfg_verify.comparison.contenders import find_contender as find_contender
from smfg_verify.comparison.measures import Measures as Measures
from smfg_verify.comparison.measures import measures_of as measures_of
from smfg_verify.comparison.paired import PairedDifference as PairedDifference
from smfg_verify.comparison.paired import paired_difference as paired_difference
