"""The values of config fields, separate from their implementations, so that help needs no heavy import."""

from typing import Final, Literal, get_args

ImageLossName = Literal[
    "mse", "mae", "mape", "msle", "poisson", "huber", "logcosh", "scce", "dldl", "mean-variance", "coral"
]
LossName = Literal[ImageLossName, "balanced-mse", "group-dro"]
Head = Literal["none", "1-sigmoid", "1fc-sigmoid", "2fc-sigmoid", "3fc-sigmoid", "2fc-tanh"]
Strategy = Literal["scratch", "freeze", "finetune"]
Optimizer = Literal["adam", "sgd", "adadelta", "adamw"]
Schedule = Literal["constant", "cosine", "one-cycle"]
Augment = Literal["none", "report", "standard", "face"]
Weighting = Literal["inverse", "sqrt-inverse", "effective"]
Combine = Literal["product", "mean", "harmonic", "joint"]
Target = Literal["apparent", "real"]
Crop = Literal["as-is", "aligned"]
Keep = Literal["best", "last"]
BatchNorm = Literal["train", "frozen"]
EarlyStopping = Literal["stage", "run"]
LastBatch = Literal["keep", "merge", "drop"]
Precision = Literal["auto", "fp32", "bf16"]
DataFormat = Literal["course", "appa_real", "utkface", "table", "synthetic"]
Preset = Literal["quick", "report", "best"]

LOSSES: Final[tuple[str, ...]] = get_args(LossName)
HEADS: Final[tuple[str, ...]] = get_args(Head)
STRATEGIES: Final[tuple[str, ...]] = get_args(Strategy)
OPTIMIZERS: Final[tuple[str, ...]] = get_args(Optimizer)
SCHEDULES: Final[tuple[str, ...]] = get_args(Schedule)
AUGMENTS: Final[tuple[str, ...]] = get_args(Augment)
CROPS: Final[tuple[str, ...]] = get_args(Crop)
DATA_FORMATS: Final[tuple[str, ...]] = get_args(DataFormat)
PRESETS: Final[tuple[str, ...]] = get_args(Preset)
IMAGENET: Final = "imagenet"
PRETRAINED: Final = "pretrained"
RANDOM: Final = "random"
INITS: Final = (PRETRAINED, IMAGENET, RANDOM)
"""The values of `init` other than a file."""

FRESH_AUGMENTS: Final = ("standard", "face")
"""The augmentations that change every image in each step."""

SPLITS: Final = ("train", "valid", "test")
SPLIT_PREFERENCE: Final = ("test", "valid", "train")
"""The splits whose scores are shown by default, best first: training sees the least of the test images."""
AGE_EDGES: Final = (20.0, 40.0, 60.0)
LDS: Final = "lds"
"""The value of `weights` for the smoothed distribution of ages, which has no groups."""
EFFECTIVE_BETA: Final = 0.999
LDS_KERNEL: Final = 5
LDS_SIGMA: Final = 2.0
REPORT_ATTRIBUTES: Final = ("gender", "expression", "ethnicity", "age")

SMALLEST_SIZE: Final = 32
LARGEST_SIZE: Final = 1024
"""The sides of the square input in pixels."""

OFF: Final = ("0", "off", "no", "false")
"""The values of an environment variable that switch a feature off."""
