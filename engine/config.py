"""RunConfig: the description of a run, validated, hashable and printable as a command line."""

import hashlib
import json
import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from engine import choices
from engine.backbone_names import DLIB_AGE, TIMM_PREFIX, BackboneName
from engine.errors import ConfigError, Problem
from engine.field_values import field_values

LISTS = ("epochs", "lr", "weights", "widths", "age_edges")
"""Fields of several values."""
HIDDEN_LAYERS: Final = {"none": 0, "1-sigmoid": 0, "1fc-sigmoid": 1, "2fc-sigmoid": 2, "2fc-tanh": 2, "3fc-sigmoid": 3}
"""The number of hidden layers of each head."""
_DEFAULT_WIDTHS = {0: (), 1: (128,), 2: (128, 32), 3: (128, 64, 32)}


class RunConfig(BaseModel):
    """All settings that decide a run's result. Equal configs on the same data are the same run.

    Validation fills in fields that may be left open (`init`, `widths`, `epochs`, `lr`), so that a stored config
    records the settings used, not the text typed. `engine.recipe` sets `bn_momentum` and `bn_epsilon` that are None.

    Examples
    --------
    >>> config = build_config({"epochs": 50, "lr": "1e-4,1e-5", "weights": "gender,age"})
    >>> config.epochs, config.lr, config.weights, config.init
    ((25, 25), (0.0001, 1e-05), ('gender', 'age'), 'imagenet')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str = Field("synthetic", min_length=1, description="name of a registered data set")
    target: choices.Target = Field("apparent", description="age to learn, if the data has both")
    size: int = Field(
        224, ge=choices.SMALLEST_SIZE, le=choices.LARGEST_SIZE, description="side of the square input in pixels"
    )
    crop: choices.Crop = Field("as-is", description="use images as they are, or faces aligned by landmarks")

    backbone: str = Field(
        "resnet101",
        description="torchvision network (@LAYER cuts it, resnetNN-v1 has v1 strides), dlib-age or timm/NAME",
    )
    init: str = Field("auto", description="first weights: pretrained, imagenet, random or a file")
    head: choices.Head = Field("2fc-sigmoid", description="layers on top of the backbone")
    widths: tuple[Annotated[int, Field(ge=1, le=65536)], ...] | None = Field(None, description="units per hidden layer")

    strategy: choices.Strategy = Field("freeze", description="scratch, freeze (two stages) or finetune")
    epochs: tuple[Annotated[int, Field(ge=0, le=100_000)], ...] = Field((25, 25), description="epochs per stage")
    loss: choices.LossName = Field("mse", description="training loss, on ages divided by 100")
    weights: tuple[str, ...] = Field((), description="attributes that set sample weights; lds: smoothed ages")
    weighting: choices.Weighting = Field("inverse", description="inverse frequency, its root, or the effective number")
    effective_beta: float = Field(choices.EFFECTIVE_BETA, gt=0, lt=1, description="beta of the effective number")
    combine: choices.Combine = Field("product", description="how weights of attributes combine; joint: crossed groups")
    lds_kernel: int = Field(choices.LDS_KERNEL, ge=1, le=201, description="width of lds' kernel in years, odd")
    lds_sigma: float = Field(choices.LDS_SIGMA, gt=0, le=100, description="standard deviation of lds' kernel in years")
    dldl_sigma: float = Field(2.0, gt=0, le=100, description="spread of dldl labels in years, if votes are unknown")
    l1_lambda: float = Field(0.0, ge=0, description="weight of the absolute error that is added to dldl")
    mean_lambda: float = Field(0.2, ge=0, description="weight of the mean loss in mean-variance")
    variance_lambda: float = Field(0.05, ge=0, description="weight of the variance loss in mean-variance")
    bmc_sigma: float = Field(10.0, gt=0, le=100, description="noise of balanced-mse in years")
    group_dro_loss: choices.ImageLossName = Field("mae", description="loss whose group means group-dro weights")
    group_dro_step: float = Field(0.01, ge=0, le=100, description="step size of group-dro's group weights")
    augment: choices.Augment = Field("none", description="augmentation of train images")

    optimizer: choices.Optimizer = Field("adam", description="optimizer with Keras' constants")
    lr: tuple[Annotated[float, Field(gt=0, le=100)], ...] = Field((1e-5,), description="learning rate per stage")
    schedule: choices.Schedule = Field("constant", description="how the learning rate changes within a stage")
    warmup: float | None = Field(
        None, ge=0, lt=1, description="share of a stage's steps that raise the rate; none: 0.3 for one-cycle, else 0"
    )
    momentum: float = Field(0.0, ge=0, lt=1, description="momentum of sgd")
    weight_decay: float = Field(0.004, ge=0, lt=1, description="decoupled weight decay of adamw")
    clip_norm: float | None = Field(None, gt=0, description="largest gradient norm; none: no clipping")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of inputs dropped before each head layer")
    standardize: bool = Field(False, description="scale features to train mean 0 and deviation 1")
    ema: float = Field(0.0, ge=0, lt=1, description="decay of the weight average that is scored; 0: off")
    mirror: bool = Field(False, description="average the predictions for an image and its mirror image")
    batch: int = Field(32, ge=1, le=65536, description="images per step")
    last_batch: choices.LastBatch = Field("merge", description="how to treat a last batch of one image")
    patience: int | None = Field(5, ge=1, description="epochs without a better validation loss before a stage ends")
    min_delta: float = Field(0.0, ge=0, description="least fall of the validation loss that counts as better")
    keep: choices.Keep = Field("best", description="which weights are scored and kept")
    early_stopping: choices.EarlyStopping = Field("stage", description="scope of best loss and patience")
    bn: choices.BatchNorm = Field("train", description="batch norm while the backbone trains")
    bn_momentum: float | None = Field(
        None, ge=0, lt=1, description="batch norm's momentum as Keras defines it; none: recipe"
    )
    bn_epsilon: float | None = Field(None, gt=0, le=1, description="batch norm's epsilon; none: recipe")

    age_edges: tuple[float, ...] = Field(choices.AGE_EDGES, min_length=1, description="edges of the age groups, years")
    seed: int = Field(0, ge=0, lt=2**31, description="seed for all random choices")
    precision: choices.Precision = Field("auto", description="number format of the network's arithmetic")
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:N")
    deterministic: bool = Field(True, description="use deterministic algorithms only")
    compile: bool = Field(False, description="train with torch.compile, which delays the first step by a minute")

    @field_validator(*LISTS, mode="before")
    @classmethod
    def _list_from_text(cls, value: object) -> object:
        """Accepts `gender,age`, a bare number, and `none` for the empty list."""
        if value is None or value == "" or value == "none":
            return ()
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(","))
        if isinstance(value, int | float):
            return (value,)
        return value

    @field_validator("patience", mode="before")
    @classmethod
    def _none_from_text(cls, value: object) -> object:
        return None if value in ("none", 0, "0") else value

    @field_validator("bn_momentum", "bn_epsilon", "warmup", "clip_norm", mode="before")
    @classmethod
    def _left_open(cls, value: object) -> object:
        return None if value in ("none", "auto") else value

    @field_validator("backbone")
    @classmethod
    def _known(cls, value: str) -> str:
        BackboneName.parse(value)
        return value

    @field_validator("weights")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("name each attribute once")
        return value

    @field_validator("age_edges")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError("give rising edges, each once")
        return value

    @field_validator("lds_kernel")
    @classmethod
    def _centred(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("give an odd number, so that the kernel has a centre")
        return value

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        filled = dict(values)
        if filled.get("init") in (None, "auto"):
            filled["init"] = default_init(filled.get("strategy"), filled.get("backbone"))
        if filled["init"] == choices.PRETRAINED and _is_torchvisions(filled.get("backbone")):
            filled["init"] = choices.IMAGENET
        return filled

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.strategy == "scratch" and self.init != "random":
            raise _broken_rule(
                f"strategy scratch starts from random weights, but init is {self.init}; "
                "choose --strategy freeze or finetune, or leave --init out",
                "strategy", "init",
            )  # fmt: skip
        if self.strategy == "scratch" and self.standardize:
            text = "standardize needs a backbone with trained weights, but strategy scratch starts from random ones"
            raise _broken_rule(f"{text}; choose --strategy freeze or finetune", "standardize", "strategy")
        if self.init == choices.IMAGENET and not _is_torchvisions(self.backbone):
            text = f"init imagenet needs a torchvision network, not {self.backbone}; choose --init pretrained"
            raise _broken_rule(text, "init", "backbone")
        layers = HIDDEN_LAYERS[self.head]
        if not self.widths:
            object.__setattr__(self, "widths", _DEFAULT_WIDTHS[layers])
        elif len(self.widths) != layers:
            text = f"head {self.head} has {layers} hidden layers, but widths has {len(self.widths)}"
            raise _broken_rule(text, "head", "widths")
        object.__setattr__(self, "epochs", self._epochs_per_stage())
        if len(self.lr) not in (1, self.stage_count):
            text = f"strategy {self.strategy} takes {self.stage_count} learning rates, or one for all stages"
            raise _broken_rule(text, "strategy", "lr")
        object.__setattr__(self, "lr", self.lr * self.stage_count if len(self.lr) == 1 else self.lr)
        self._check_loss_and_weights()
        return self

    def _check_loss_and_weights(self) -> None:
        if self.loss == "group-dro" and (not self.weights or choices.LDS in self.weights):
            raise _broken_rule(
                f"loss group-dro needs groups, but weights {format_value(self.weights)} names none; choose "
                "attributes, such as --weights gender or gender,age (their crossed groups)",
                "loss", "weights",
            )  # fmt: skip
        if self.loss == "balanced-mse" and self.batch == 1:
            text = "loss balanced-mse compares the images of a batch, but batch is 1; choose --batch 2 or more"
            raise _broken_rule(text, "loss", "batch")
        if self.combine == "joint" and choices.LDS in self.weights:
            text = "combine joint crosses groups, but lds has none; choose product, mean or harmonic"
            raise _broken_rule(text, "combine", "weights")

    def _epochs_per_stage(self) -> tuple[int, ...]:
        """Splits one number over two stages (50 → 25, 25) and adds up two for one stage, as the report does."""
        total = sum(self.epochs)
        if not 1 <= len(self.epochs) <= 2:
            raise _broken_rule("epochs takes one number, or two for strategy freeze", "epochs")
        if total == 0 and self.init == choices.RANDOM:
            text = "0 epochs score the first weights untrained, but random weights predict nothing"
            raise _broken_rule(f"{text}; choose --epochs 1 or more, or --init pretrained or a file", "epochs", "init")
        if self.stage_count == 1:
            return (total,)
        return self.epochs if len(self.epochs) == 2 else (total - total // 2, total // 2)

    @property
    def stage_count(self) -> int:
        return 2 if self.strategy == "freeze" else 1

    @property
    def trains_backbone(self) -> bool:
        """Whether the last stage trains the backbone."""
        return self.strategy != "freeze" or self.epochs[-1] > 0

    @property
    def hash(self) -> str:
        """First 16 hex digits of the SHA-256 over the fields; equal configs have equal hashes.

        Fields of `LATER_FIELDS` count only if they differ from their default, so that a config keeps the hash from
        before such a field existed.
        """
        fields = self.model_dump(mode="json")
        for name, default in LATER_FIELDS.items():
            if fields[name] == default:
                del fields[name]
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def command(self, program: str = "ageui run") -> str:
        """The shell command that runs exactly this config, whatever the presets and settings files say."""
        parts = [program]
        for name, value in self.model_dump().items():
            text = format_value(value)
            parts.append(
                f"--{name} {shlex.quote(text)}" if name in FLAG_FIELDS else f"--set {shlex.quote(f'{name}={text}')}"
            )
        return " ".join(parts)


LATER_FIELDS: Final[dict[str, str | float | None]] = {
    name: RunConfig.model_fields[name].default
    for name in (
        "lds_kernel", "lds_sigma", "dldl_sigma", "mean_lambda", "variance_lambda", "bmc_sigma", "group_dro_loss",
        "group_dro_step", "compile", "early_stopping", "bn_momentum", "bn_epsilon",
        "l1_lambda", "schedule", "warmup", "weight_decay", "clip_norm", "dropout", "standardize", "ema", "mirror",
        "crop",
    )
}  # fmt: skip
"""Fields that runs stored by earlier versions lack, and the values that these runs used unless the revision of their
recipe sets others."""

_PLAIN = {
    "int_parsing": "give a whole number",
    "int_from_float": "give a whole number",
    "float_parsing": "give a number",
    "bool_parsing": "give true or false",
    "string_pattern_mismatch": "choose auto, cpu, cuda or cuda:N",
}
_OUT_OF_RANGE = ("greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number")

FLAG_FIELDS = (
    "data", "size", "crop", "backbone", "init", "head", "strategy", "epochs", "loss", "weights", "augment", "optimizer",
    "lr", "batch", "seed", "device",
)  # fmt: skip

PRESETS: dict[str, dict[str, Any]] = {
    "report": {
        "backbone": "resnet101", "head": "2fc-sigmoid", "strategy": "freeze", "epochs": (25, 25), "loss": "mape",
        "weights": ("gender",), "optimizer": "adam", "lr": (1e-5,), "batch": 32, "size": 224, "last_batch": "keep",
    },
    "quick": {
        "backbone": "resnet18@layer3", "head": "2fc-sigmoid", "strategy": "scratch", "epochs": (8,), "loss": "mse",
        "weights": (), "optimizer": "adam", "lr": (5e-4,), "batch": 32, "size": 64,
    },
    "best": {
        "backbone": "dlib-age", "init": "pretrained", "head": "none", "strategy": "finetune", "epochs": (8,),
        "loss": "dldl", "dldl_sigma": 2.5, "l1_lambda": 0.2, "weights": ("age",), "weighting": "sqrt-inverse",
        "augment": "face", "mirror": True, "optimizer": "adamw", "schedule": "one-cycle", "lr": (3e-4,), "batch": 64,
        "size": 64, "crop": "aligned", "patience": None,
    },
}  # fmt: skip


def format_value(value: object) -> str:
    """A field's value as the command line takes it: lists with commas, None and empty lists as `none`.

    Examples
    --------
    >>> format_value((25, 25)), format_value(()), format_value(1e-05), format_value(True)
    ('25,25', 'none', '1e-05', 'true')
    """
    if value is None or value == () or value == []:
        return "none"
    if isinstance(value, tuple | list):
        return ",".join(format_value(item) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value)


def completed(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A stored config plus the fields of `LATER_FIELDS` that it lacks, for comparison with newer ones."""
    return dict(stored) | {name: default for name, default in LATER_FIELDS.items() if name not in stored}


def build_config(values: Mapping[str, Any]) -> RunConfig:
    """A validated config.

    Parameters
    ----------
    values
        Field values, as command-line text or as Python values. Other fields keep their defaults.

    Raises
    ------
    ConfigError
        If a value is wrong. `problems` name each wrong field, its value and the values that it takes.

    Examples
    --------
    >>> build_config({"batch": "many"})
    Traceback (most recent call last):
        ...
    engine.errors.ConfigError: batch 'many': give a whole number
    """
    try:
        return RunConfig.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(problems=[_problem(one, values) for one in error.errors(include_url=False)]) from None


def field_problem(name: str, value: object) -> str | None:
    """The problem with one field's value, regardless of other fields; None if the value is fine."""
    try:
        RunConfig.model_validate({name: value})
    except ValidationError as error:
        own = [one for one in error.errors(include_url=False) if one["loc"] and one["loc"][0] == name]
        return _problem(own[0], {name: value}).text if own else None
    return None


def default_init(strategy: object, backbone: object) -> str:
    """The default first weights."""
    if strategy == "scratch":
        return choices.RANDOM
    return choices.IMAGENET if _is_torchvisions(backbone) else choices.PRETRAINED


def _is_torchvisions(backbone: object) -> bool:
    """Whether a backbone is torchvision's, whose pretrained weights are ImageNet's; True for invalid names, too."""
    return not str(backbone).startswith((DLIB_AGE, TIMM_PREFIX))


def _broken_rule(text: str, *fields: str) -> PydanticCustomError:
    """The error for a broken rule over several `fields`, the one to blame first."""
    return PydanticCustomError("broken_rule", "{text}", {"text": text, "fields": fields})


def _problem(error: Any, values: Mapping[str, Any]) -> Problem:
    """A pydantic error, worded for people."""
    if error["type"] == "broken_rule":
        field, *others = error["ctx"]["fields"]
        return Problem(field, error["ctx"]["text"], tuple(others))
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return Problem(name, f"unknown field {name!r}; choose one of {', '.join(RunConfig.model_fields)}")
    message = _PLAIN.get(error["type"], error["msg"])
    if error["type"] == "value_error":
        message = str(error["ctx"]["error"])
    elif error["type"] == "literal_error":
        message = f"choose one of {error['ctx']['expected'].replace(chr(39), '')}"
    elif error["type"] in _OUT_OF_RANGE:
        message = f"it must be {' or '.join(field_values(RunConfig.model_json_schema()['properties'][name]))}"
    return Problem(name, f"{name} {format_value(values.get(name))!r}: {message}")
