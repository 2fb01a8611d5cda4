"""Lifetime models: who is still a customer, how often will they buy, how much will they spend?

Needs NumPy and SciPy only. Times are in days, money in whatever unit the spend is given in.
"""

from patronage.science.lifetime.beta_discrete_weibull import (
    BetaDiscreteWeibull,
    BetaDiscreteWeibullParameters,
)
from patronage.science.lifetime.bg_bb import (
    BetaGeometricBetaBinomial,
    BetaGeometricBetaBinomialParameters,
)
from patronage.science.lifetime.bg_nbd import BGNBD, BGNBDParameters
from patronage.science.lifetime.bootstrap import Bootstrap, bootstrap
from patronage.science.lifetime.calibration import (
    Calibration,
    ProbabilityCalibration,
    calibrated_purchases,
)
from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.cnbd_k import CNBDk, CNBDkParameters
from patronage.science.lifetime.covariate_answers import CustomersWithCovariates
from patronage.science.lifetime.covariate_cells import CovariateCells
from patronage.science.lifetime.errors import (
    InconsistentHistory,
    InvalidParameter,
    InvalidWindow,
    LifetimeError,
    NotEstimated,
    NotIdentified,
)
from patronage.science.lifetime.estimation import Estimation
from patronage.science.lifetime.gamma_gamma import GammaGamma, GammaGammaParameters
from patronage.science.lifetime.ggompertz_nbd import GGompertzNBD, GGompertzNBDParameters
from patronage.science.lifetime.intervals import (
    PurchaseInterval,
    TotalInterval,
    moments_over,
    purchase_interval,
    total_interval,
)
from patronage.science.lifetime.lognormal_spend import LognormalSpend, LognormalSpendParameters
from patronage.science.lifetime.mbg_nbd import MBGNBD, MBGNBDParameters
from patronage.science.lifetime.pareto_nbd import ParetoNBD, ParetoNBDParameters
from patronage.science.lifetime.pareto_nbd_covariates import ParetoNBDWithCovariates
from patronage.science.lifetime.predictive_levels import LevelCalibration
from patronage.science.lifetime.purchase_model import PURCHASE_MODELS, PurchaseModel
from patronage.science.lifetime.purchase_moments import PurchaseMoments
from patronage.science.lifetime.retention import RetentionModel
from patronage.science.lifetime.seasons import Seasons
from patronage.science.lifetime.segments import SegmentFit, SegmentFits, fit_segments
from patronage.science.lifetime.shifted_beta_geometric import (
    ShiftedBetaGeometric,
    ShiftedBetaGeometricParameters,
)
from patronage.science.lifetime.simulated_histories import SimulatedHistories
from patronage.science.lifetime.spend_model import SpendModel
from patronage.science.lifetime.spend_models import SPEND_MODELS
from patronage.science.lifetime.tenures import Tenures
from patronage.science.lifetime.tracking import expected_repeat_purchases

__all__ = [
    "BGNBD",
    "MBGNBD",
    "PURCHASE_MODELS",
    "SPEND_MODELS",
    "BGNBDParameters",
    "BetaDiscreteWeibull",
    "BetaDiscreteWeibullParameters",
    "BetaGeometricBetaBinomial",
    "BetaGeometricBetaBinomialParameters",
    "Bootstrap",
    "CNBDk",
    "CNBDkParameters",
    "Calibration",
    "Cells",
    "CovariateCells",
    "CustomersWithCovariates",
    "Estimation",
    "GGompertzNBD",
    "GGompertzNBDParameters",
    "GammaGamma",
    "GammaGammaParameters",
    "InconsistentHistory",
    "InvalidParameter",
    "InvalidWindow",
    "LevelCalibration",
    "LifetimeError",
    "LognormalSpend",
    "LognormalSpendParameters",
    "MBGNBDParameters",
    "NotEstimated",
    "NotIdentified",
    "ParetoNBD",
    "ParetoNBDParameters",
    "ParetoNBDWithCovariates",
    "ProbabilityCalibration",
    "PurchaseInterval",
    "PurchaseModel",
    "PurchaseMoments",
    "RetentionModel",
    "Seasons",
    "SegmentFit",
    "SegmentFits",
    "ShiftedBetaGeometric",
    "ShiftedBetaGeometricParameters",
    "SimulatedHistories",
    "SpendModel",
    "Tenures",
    "TotalInterval",
    "bootstrap",
    "calibrated_purchases",
    "expected_repeat_purchases",
    "fit_segments",
    "moments_over",
    "purchase_interval",
    "total_interval",
]
