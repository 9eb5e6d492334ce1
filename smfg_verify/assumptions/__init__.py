"""The properties the theory assumes, each checked on a game: verdict, constant, witness."""

# Imported for their entries in the registry, in the order of a report.
# isort: off
from smfg_verify.assumptions import ergodicity as ergodicity
from smfg_verify.assumptions import lipschitz as lipschitz
from smfg_verify.assumptions import contraction as contraction
from smfg_verify.assumptions import uniqueness as uniqueness
from smfg_verify.assumptions import domination as domination
from smfg_verify.assumptions import alignment as alignment
from smfg_verify.assumptions import smoothness as smoothness
from smfg_verify.assumptions import coverage as coverage
from smfg_verify.assumptions import step_sizes as step_sizes

# isort: on
from smfg_verify.assumptions._registry import BUDGETS as BUDGETS
from smfg_verify.assumptions._registry import budget_settings as budget_settings
from smfg_verify.assumptions._registry import find_property as find_property
from smfg_verify.assumptions._registry import property_names as property_names
from smfg_verify.assumptions.contradictions import Contradiction as Contradiction
from smfg_verify.assumptions.finding import Evidence as Evidence
from smfg_verify.assumptions.finding import Finding as Finding
from smfg_verify.assumptions.finding import Side as Side
from smfg_verify.assumptions.finding import Verdict as Verdict
from smfg_verify.assumptions.report import AssumptionReport as AssumptionReport
from smfg_verify.assumptions.runner import check as check
from smfg_verify.assumptions.runner import search_settings as search_settings
from smfg_verify.assumptions.runner import settings_record as settings_record
