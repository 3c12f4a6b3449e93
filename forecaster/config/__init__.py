"""Configuration: frozen dataclasses, one per stage, to and from JSON. No I/O.

    ReadConfig       what the columns mean and how the text is read     (data)
    Options          the settings of training and forecasting; None: chosen from the data
    NetworkConfig    the shape of one network                            (nn)
    TrainingConfig   how one network is trained                          (training)
    MemberConfig     one member of the ensemble: its view of the data, its network and training

`training.plan.plan` chooses the MemberConfigs from Options and a Panel.
"""

from forecaster.config.as_json import from_json, to_json
from forecaster.config.networks import (
    Cell,
    LossName,
    MemberConfig,
    NetworkConfig,
    OptimizerName,
    Scales,
    ScheduleName,
    TrainingConfig,
)
from forecaster.config.options import Decoder, Effort, Limits, Options, Reconcile, limits_of
from forecaster.config.ranges import MOST_ITEMS, NO_LIMIT_BELOW, RANGES, ROWS
from forecaster.config.reading import (
    Aggregate,
    BadRows,
    Duplicates,
    Hours,
    KnownFill,
    Layout,
    ReadConfig,
    TimeUnit,
)

__all__ = [
    "MOST_ITEMS",
    "NO_LIMIT_BELOW",
    "RANGES",
    "ROWS",
    "Aggregate",
    "BadRows",
    "Cell",
    "Decoder",
    "Duplicates",
    "Effort",
    "Hours",
    "KnownFill",
    "Layout",
    "Limits",
    "LossName",
    "MemberConfig",
    "NetworkConfig",
    "OptimizerName",
    "Options",
    "ReadConfig",
    "Reconcile",
    "Scales",
    "ScheduleName",
    "TimeUnit",
    "TrainingConfig",
    "from_json",
    "limits_of",
    "to_json",
]
