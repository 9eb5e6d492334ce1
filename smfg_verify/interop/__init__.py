"""Games from and to elsewhere: MFGLib environments in, Gymnasium environments out, plain arrays both ways."""

from smfg_verify.interop.added_leader import AddedLeader as AddedLeader
from smfg_verify.interop.arrays import to_arrays as to_arrays
from smfg_verify.interop.gymnasium_export import to_gymnasium as to_gymnasium
from smfg_verify.interop.mfglib_import import ImportedGame as ImportedGame
from smfg_verify.interop.mfglib_import import from_mfglib as from_mfglib
