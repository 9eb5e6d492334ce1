"""Games to verify: one published game a file, loaded by name."""

from smfg_verify.games._registry import ENTRY_POINT_GROUP as ENTRY_POINT_GROUP
from smfg_verify.games._registry import GameEntry as GameEntry
from smfg_verify.games._registry import ParameterEntry as ParameterEntry
from smfg_verify.games._registry import describe as describe
from smfg_verify.games._registry import load as load
from smfg_verify.games._registry import names as names
from smfg_verify.games._registry import register as register
from smfg_verify.games.advertising import Advertising as Advertising
from smfg_verify.games.congestion_pricing import CongestionPricing as CongestionPricing
from smfg_verify.games.epidemic import Epidemic as Epidemic
from smfg_verify.games.equilibrium_pricing import EquilibriumPricing as EquilibriumPricing
from smfg_verify.games.independent_leader import IndependentLeader as IndependentLeader
from smfg_verify.games.laffer_tax import LafferTax as LafferTax
from smfg_verify.games.lasry_lions_chain import LasryLionsChain as LasryLionsChain
from smfg_verify.games.linear_quadratic import LinearQuadratic as LinearQuadratic
from smfg_verify.games.market_entrance import MarketEntrance as MarketEntrance
from smfg_verify.games.random_game import RandomGame as RandomGame
from smfg_verify.games.shop_positioning import ShopPositioning as ShopPositioning
from smfg_verify.games.two_road_toll import TwoRoadToll as TwoRoadToll
