"""The model card of a run, with the headings of Mitchell et al., Model Cards for Model Reporting (2019).

Headings without known facts are left out.
"""

from typing import Any

from ageui.compare.differing_settings import setting
from ageui.compare.figure_names import figure_name
from ageui.present.figures import between, number
from ageui.report.document import Bullets, Section
from ageui.report.run_facts import RunFacts, sentence
from ageui.text.sentences import counted
from engine.data.face_chips import PADDING

_DRAWN = "synthetic"
_NON_COMMERCIAL = {"course": "APPA-REAL", "appa_real": "APPA-REAL", "utkface": "UTKFace"}


def model_card(run: RunFacts) -> Section:
    """The card as a section, with a part for each heading that has known facts."""
    found = {
        "Model details": _details(run),
        "Intended use": _use(),
        "Factors": _factors(run),
        "Metrics": _metrics(run),
        "Evaluation data": _evaluation_data(run),
        "Training data": _training_data(run),
        "Quantitative analyses": _analyses(run),
        "Ethical considerations": _ethics(run),
        "Caveats and recommendations": _caveats(run),
    }
    return Section("Model card", (), tuple(Section(title, (Bullets(tuple(x)),)) for title, x in found.items() if x))


def _details(run: RunFacts) -> list[str]:
    config, facts = run.detail.config, run.facts
    backbone, head_of_it = (f"{_set(config, part)}{_parameters(facts, part)}" for part in ("backbone", "head"))
    said = [f"A regressor of age: the backbone {backbone} with the head {head_of_it}."]
    size = _set(config, "size")
    if "size" in config:
        said.append(f"Input: {_crop(run)} of {size}×{size} pixels. Output: one age in years.")
    start = facts.get("weights", {}).get("sha256")
    said.append(f"First weights: {_set(config, 'init')}{f', sha256 {start}' if start else ''}.")
    said.append(
        f"Training: strategy {_set(config, 'strategy')}, epochs {_set(config, 'epochs')}, loss {_set(config, 'loss')}, "
        f"sample weights {_set(config, 'weights')}, augmentation {_set(config, 'augment')}, optimizer "
        f"{_set(config, 'optimizer')} at learning rate {_set(config, 'lr')}, batch {_set(config, 'batch')}, "
        f"seed {_set(config, 'seed')}."
    )
    if run.is_published:
        origin = "imported from another tool" if run.detail.row.is_imported else "as published"
        return [*said, f"Settings are {origin}, as far as they are known; its weights are not here."]
    if (made := run.detail.derived_from) is not None:
        return [*said, f"Not trained itself, but made from {made.source_names}. Settings that differ are lists."]
    if version := facts.get("versions", {}).get("ageui"):
        said.append(f"Trained with ageui {version}.")
    if kept := run.detail.kept:
        said.append(f"Weights: those of epoch {kept.epoch}, {kept.bytes / 1e6:.1f} MB, sha256 {kept.sha256}.")
    else:
        said.append("No weights are kept of it.")
    return said


def _crop(run: RunFacts) -> str:
    if setting(run.detail.config, "crop") == "aligned":
        return f"a face, found and aligned by landmarks (padding {PADDING}),"
    return "the box of a found face with its margin," if run.detail.data_spec.get("photos") else "a face crop"


def _parameters(facts: dict[str, Any], part: str) -> str:
    count = facts.get(f"{part}_parameters")
    return f" ({count:,} parameters)" if count is not None else ""


def _use() -> list[str]:
    return [
        "Intended: research into how far an age regressor is off for different groups of people, and what lowers that.",
        "Not intended: deciding about anybody, or sorting people by age or by any attribute.",
        "Not intended: images that are not face crops like those of its training data.",
    ]


def _factors(run: RunFacts) -> list[str]:
    if run.scores is None:
        return []
    biases = run.scores.result.biases
    said = [f"{bias.attribute}: {', '.join(f'{g.group} ({g.n:,})' for g in bias.groups)}." for bias in biases]
    smallest = min(((g.n, bias.attribute, g.group) for bias in biases for g in bias.groups), default=None)
    if smallest is not None:
        count, attribute, group = smallest
        said.append(f"The smallest group is {attribute} {group}: {counted(count, 'image')} of {run.scores.result.n:,}.")
        said.append("Intersections of attributes were not evaluated.")
    else:
        said.append("None was evaluated: the images have no attributes.")
    return said


def _metrics(run: RunFacts) -> list[str]:
    if run.scores is None:
        return []
    said = ["MAE: mean absolute error in years."]
    if run.scores.result.biases:
        said.append("Bias of an attribute: the mean over all pairs of its groups of the gap between their MAEs.")
    if any(cell.interval for _, cell in run.cells):
        said.append("Uncertainty: 95% bootstrap intervals over images; for a bias drawn inside each group.")
    else:
        said.append("Uncertainty: not known.")
    return said


def _evaluation_data(run: RunFacts) -> list[str]:
    scores = run.scores
    if scores is None:
        return []
    said = [f"{scores.data_name}, split {scores.split}: {counted(scores.result.n, 'image')}, {scores.target} age."]
    if scores.split == "valid" and setting(run.detail.config, "keep") == "best":
        said.append("The kept weights were chosen on these images, so its figures are too good.")
    if scores.split == "train":
        said.append("It was trained on these images, so these figures do not hold for others.")
    return said


def _training_data(run: RunFacts) -> list[str]:
    spec, config = run.detail.data_spec, run.detail.config
    sizes = (run.detail.splits or {}).get("train")
    count = f", split train: {counted(sizes['labelled'], 'labelled image')}" if sizes else ""
    said = [f"{spec.get('name')}{f' ({spec_format})' if (spec_format := spec.get('format')) else ''}{count}."]
    if note := run.detail.pretraining:
        said.append(sentence(note))
    if setting(config, "weights") != "none":
        said.append(f"Images are weighted by {_set(config, 'weights')} ({_set(config, 'weighting')}).")
    if run.facts.get("faceless"):
        place = "a face's usual place" if setting(run.detail.config, "crop") == "aligned" else "the central square"
        said.append(f"No face was found in {counted(run.facts['faceless'], 'image')}: {place} was taken.")
    if left_out := run.facts.get("left_out"):
        said.append(f"{counted(left_out, 'bad item')} of the data set left out.")
    return said


def _analyses(run: RunFacts) -> list[str]:
    said = [run.why_unscored] if run.scores is None else []
    for place, (column, cell) in enumerate(run.cells):
        if cell.value is None:
            continue
        width = f" ({between(cell.interval)})" if cell.interval else ""
        noise = "; inside noise" if cell.inside_noise else ""
        constant = run.constant[place].value if run.constant else None
        beside = f"; constant predictor {number(constant)}" if constant is not None else ""
        said.append(f"{figure_name(column)}: {number(cell.value, cell.unit)} years{width}{noise}{beside}.")
    return said


def _ethics(run: RunFacts) -> list[str]:
    spec_format = run.detail.data_spec.get("format")
    if spec_format == _DRAWN:
        return ["Its faces are drawn: no person is in the data, and it says nothing about people."]
    said = ["Attributes are coarse labels that others gave to people, not what these say of themselves."]
    if setting(run.detail.config, "target") == "apparent" and spec_format in ("course", "appa_real"):
        said.append("Labels are apparent ages, which people guessed: a model learns their prejudices too.")
    if spec_format in _NON_COMMERCIAL:
        name = _NON_COMMERCIAL[spec_format]
        said.append(f"{name} is given out for non-commercial research only; what is trained on it is no freer.")
    return said


def _caveats(run: RunFacts) -> list[str]:
    said = []
    if run.is_published:
        kind = "Imported" if run.detail.row.is_imported else "Published"
        said.append(f"{kind} figures: on which images, and with which weights, is not known here.")
    elif run.scores is not None and len(run.detail.trainings) == 1:
        said.append("One training with one seed: another seed gives other figures. Repeat it before ranking it.")
    noisy = [figure_name(column) for column, cell in run.cells if cell.inside_noise]
    if noisy:
        said.append(f"These cannot be told from none: {', '.join(noisy)}.")
    if run.scores is not None and run.scores.is_selected:
        said.append(
            f"The images of {run.scores.split} chose the weights that are scored on them: expect larger errors."
        )
    said += [sentence(note) for note in run.notes] if run.scores is not None else []
    if run.detail.status != "done":
        said.append(f"The run is {run.detail.status}, so this is not the model that its config describes.")
    if run.facts:
        said.append("The same figures come out again only on the same machine, versions and number of threads.")
    return said


def _set(config: dict[str, Any], name: str) -> str:
    return setting(config, name) if name in config else "unknown"
