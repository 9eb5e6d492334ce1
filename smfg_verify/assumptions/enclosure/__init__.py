"""Certified ranges of a game's functions over sets of mean fields: affine forms, intervals, branch and bound."""

from smfg_verify.assumptions.enclosure.branch import Supremum as Supremum
from smfg_verify.assumptions.enclosure.branch import supremum as supremum
from smfg_verify.assumptions.enclosure.domain import Range as Range
from smfg_verify.assumptions.enclosure.envelope import TableEnclosure as TableEnclosure
from smfg_verify.assumptions.enclosure.envelope import envelope as envelope
from smfg_verify.assumptions.enclosure.rules.arithmetic import NoEnclosure as NoEnclosure
from smfg_verify.assumptions.enclosure.table_enclosures import AffineTable as AffineTable
from smfg_verify.assumptions.enclosure.table_enclosures import affine_table as affine_table
from smfg_verify.assumptions.enclosure.table_enclosures import enclose as enclose
from smfg_verify.assumptions.enclosure.table_enclosures import enclose_slopes as enclose_slopes
from smfg_verify.assumptions.enclosure.table_enclosures import numbers_of_a_box as numbers_of_a_box
