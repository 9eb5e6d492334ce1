"""The properties the theory assumes, each checked on a game: verdict, constant, witness."""

# Imported for their entries in the registry, in the order of a report.
# isort: off
import smfg_verify.assumptions.ergodicity.findings
import smfg_verify.assumptions.lipschitz.findings
import smfg_verify.assumptions.contraction.findings
import smfg_verify.assumptions.one_sided.findings
import smfg_verify.assumptions.uniqueness.findings
import smfg_verify.assumptions.gradient_domination.findings
import smfg_verify.assumptions.gradient_alignment.findings
import smfg_verify.assumptions.smoothness.findings
import smfg_verify.assumptions.ergodicity.coverage
import smfg_verify.assumptions.step_sizes.findings

# isort: on
from smfg_verify.assumptions.along.along_run import check_along as check_along
from smfg_verify.assumptions.along.record import AlongRun as AlongRun
from smfg_verify.assumptions.checking import check as check
from smfg_verify.assumptions.checking import properties_checked as properties_checked
from smfg_verify.assumptions.checking import search_settings as search_settings
from smfg_verify.assumptions.checking import settings_record as settings_record
from smfg_verify.assumptions.contraction.temperature_conflict import TemperatureConflict as TemperatureConflict
from smfg_verify.assumptions.contraction.temperature_conflict import temperature_conflict as temperature_conflict
from smfg_verify.assumptions.contradictions import Contradiction as Contradiction
from smfg_verify.assumptions.finding import Evidence as Evidence
from smfg_verify.assumptions.finding import Finding as Finding
from smfg_verify.assumptions.finding import Side as Side
from smfg_verify.assumptions.finding import Verdict as Verdict
from smfg_verify.assumptions.properties import find_property as find_property
from smfg_verify.assumptions.properties import property_names as property_names
from smfg_verify.assumptions.report import AssumptionReport as AssumptionReport
from smfg_verify.assumptions.settings import BUDGETS as BUDGETS
from smfg_verify.assumptions.settings import budget_settings as budget_settings
