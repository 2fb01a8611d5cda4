"""The models of spend, by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from patronage.science.lifetime.gamma_gamma import GammaGamma
from patronage.science.lifetime.lognormal_spend import LognormalSpend
from patronage.science.lifetime.spend_model import SpendModel

#: in the order in which they are tried; the log-likelihoods of the same rows can be compared
SPEND_MODELS: Final[Mapping[str, type[SpendModel]]] = MappingProxyType(
    {"Gamma-Gamma": GammaGamma, "Lognormal": LognormalSpend}
)
