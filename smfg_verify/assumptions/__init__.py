"""The properties the theory assumes, each checked on a game: verdict, constant, witness."""

# Imported for its entry in the registry: one line a property.
from smfg_verify.assumptions import alignment as alignment
from smfg_verify.assumptions._registry import BUDGETS as BUDGETS
from smfg_verify.assumptions._registry import budget_settings as budget_settings
from smfg_verify.assumptions._registry import find_property as find_property
from smfg_verify.assumptions._registry import property_names as property_names
from smfg_verify.assumptions.finding import Evidence as Evidence
from smfg_verify.assumptions.finding import Finding as Finding
from smfg_verify.assumptions.finding import Side as Side
from smfg_verify.assumptions.finding import Verdict as Verdict
from smfg_verify.assumptions.report import AssumptionReport as AssumptionReport
from smfg_verify.assumptions.runner import check as check
