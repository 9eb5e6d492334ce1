"""Every known theorem held against a game, as a job."""

from smfg_verify.jobs.theorems.find import Theorems as Theorems
from smfg_verify.jobs.theorems.find import find_theorems as find_theorems
