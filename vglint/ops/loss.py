"""Loss functions and the distances that serve as one."""

from __future__ import annotations

from vglint.ops.entry import Config, Entry
from vglint.ops.shapes import axis, broadcast, first, flag, whole
from vglint.ops.spec import Call, ParamSpec, Result, Tensor
from vglint.ops.weight import linear_params
from vglint.shape import Shape


def elementwise(call: Call) -> Result:
    """One loss per element before reduction."""
    operands = [
        shape for name, shape in zip(call.names, call.inputs, strict=True) if name not in ("weight", "pos_weight")
    ]
    return reduced(call, broadcast(operands))


def per_class(call: Call) -> Result:
    """Class scores (N, C, d…) against indices (N, d…) or probabilities: one loss per target index."""
    shape = first(call)
    if shape is None:
        return reduced(call, None)
    return reduced(call, shape[1:] if len(shape) == 1 else (shape[0], *shape[2:]))


def per_sample(call: Call) -> Result:
    """Scores (N, C): one loss per sample."""
    shape = first(call)
    return reduced(call, None if shape is None else shape[:-1])


def per_sequence(call: Call) -> Result:
    """Log-probabilities (T, N, C): one loss per sequence."""
    shape = first(call)
    return reduced(call, None if shape is None else shape[1:2] if len(shape) == 3 else ())


def per_pair(call: Call) -> Result:
    """Vectors along the last dimension: one loss per pair or triplet."""
    operands = [shape for name, shape in zip(call.names, call.inputs, strict=True) if name != "target"]
    together = broadcast(operands)
    return reduced(call, None if together is None else together[:-1])


def reduced(call: Call, elements: Shape | None) -> Result:
    """`reduction='none'` keeps the elements; mean, sum and batchmean give one number."""
    reduction = call.config.get("reduction", "mean")
    if reduction == "none":
        return Tensor(elements)
    return Tensor(()) if isinstance(reduction, str) else Tensor()


def cosine_similarity(call: Call) -> Result:
    together = broadcast(call.inputs)
    if together is None:
        return Tensor()
    dim = axis(call.config.get("dim", 1), len(together))
    return Tensor((*together[:dim], *together[dim + 1 :]))


def pairwise_distance(call: Call) -> Result:
    together = broadcast(call.inputs)
    if together is None:
        return Tensor()
    return Tensor((*together[:-1], 1) if flag(call.config.get("keepdim", False)) else together[:-1])


def adaptive_result(call: Call) -> Result:
    shape = first(call)
    return (Tensor(None if shape is None else shape[:-1]), Tensor(()))


def adaptive_params(config: Config) -> tuple[ParamSpec, ...]:
    """A head over the frequent classes and clusters, then one low-rank tail per cluster."""
    inside, classes = whole(config["in_features"]), whole(config["n_classes"])
    cuts = config["cutoffs"]
    value = config.get("div_value", 4.0)
    if not isinstance(cuts, tuple) or not isinstance(value, (int, float)):
        return ()
    ends = [*(whole(cut) for cut in cuts), classes]
    head = {"in_features": inside, "out_features": ends[0] + len(ends) - 1, "bias": config.get("head_bias", False)}
    own = [_named("head", spec) for spec in linear_params(head)]
    for cluster in range(len(ends) - 1):
        narrow = int(inside // value ** (cluster + 1))
        size = ends[cluster + 1] - ends[cluster]
        for layer, (left, right) in enumerate(((inside, narrow), (narrow, size))):
            specs = linear_params({"in_features": left, "out_features": right, "bias": False})
            own += [_named(f"tail.{cluster}.{layer}", spec) for spec in specs]
    return tuple(own)


def _named(prefix: str, spec: ParamSpec) -> ParamSpec:
    return ParamSpec(f"{prefix}.{spec.name}", spec.shape, spec.init, spec.trainable, spec.buffer)


_OLD = "-size_average=None, -reduce=None"

ENTRIES = (
    Entry(
        "cross_entropy",
        "loss",
        "negative log likelihood of log_softmax; its input is logits",
        per_class,
        """nn.CrossEntropyLoss(weight=None, -size_average=None, ignore_index=-100, -reduce=None, reduction='mean',
            label_smoothing=0.0)(%input, %target)
        F.cross_entropy(%input, %target, %weight=None, -size_average=None, ignore_index=-100, -reduce=None, reduction='mean',
            label_smoothing=0.0)""",
    ).having("takes_logits"),
    Entry(
        "nll_loss",
        "loss",
        "negative log likelihood; its input is log-probabilities",
        per_class,
        """nn.NLLLoss nn.NLLLoss2d (weight=None, -size_average=None, ignore_index=-100, -reduce=None, reduction='mean')(%input, %target)
        F.nll_loss(%input, %target, %weight=None, -size_average=None, ignore_index=-100, -reduce=None, reduction='mean')""",
    ).having("takes_log_probabilities"),
    Entry(
        "binary_cross_entropy",
        "loss",
        "cross entropy of two classes; its input is probabilities",
        elementwise,
        f"""nn.BCELoss(weight=None, {_OLD}, reduction='mean')(%input, %target)
        F.binary_cross_entropy(%input, %target, %weight=None, {_OLD}, reduction='mean')""",
    ).having("takes_probabilities"),
    Entry(
        "binary_cross_entropy_with_logits",
        "loss",
        "cross entropy of two classes; its input is logits",
        elementwise,
        f"""nn.BCEWithLogitsLoss(weight=None, {_OLD}, reduction='mean', pos_weight=None)(%input, %target)
        F.binary_cross_entropy_with_logits(%input, %target, %weight=None, {_OLD}, reduction='mean', %pos_weight=None)""",
    ).having("takes_logits"),
    Entry(
        "mse_loss",
        "loss",
        "squared error",
        elementwise,
        f"""nn.MSELoss({_OLD}, reduction='mean')(%input, %target)
        F.mse_loss(%input, %target, {_OLD}, reduction='mean', %weight=None)""",
    ).having("sums_squares", "compares"),
    Entry(
        "l1_loss",
        "loss",
        "absolute error",
        elementwise,
        f"""nn.L1Loss({_OLD}, reduction='mean')(%input, %target)
        F.l1_loss(%input, %target, {_OLD}, reduction='mean', %weight=None)""",
    ).having("compares"),
    Entry(
        "smooth_l1_loss",
        "loss",
        "squared error below beta, absolute error above",
        elementwise,
        f"""nn.SmoothL1Loss({_OLD}, reduction='mean', beta=1.0)(%input, %target)
        F.smooth_l1_loss(%input, %target, {_OLD}, reduction='mean', beta=1.0)""",
    ).having("compares"),
    Entry(
        "huber_loss",
        "loss",
        "squared error below delta, delta-scaled absolute error above",
        elementwise,
        """nn.HuberLoss(reduction='mean', delta=1.0)(%input, %target)
        F.huber_loss(%input, %target, reduction='mean', delta=1.0, %weight=None)""",
    ).having("compares"),
    Entry(
        "kl_div",
        "loss",
        "Kullback-Leibler divergence; its input is log-probabilities",
        elementwise,
        f"""nn.KLDivLoss({_OLD}, reduction='mean', log_target=False)(%input, %target)
        F.kl_div(%input, %target, {_OLD}, reduction='mean', log_target=False)""",
    ).having("takes_log_probabilities"),
    Entry(
        "poisson_nll_loss",
        "loss",
        "negative log likelihood of a Poisson distribution",
        elementwise,
        """nn.PoissonNLLLoss(log_input=True, full=False, -size_average=None, eps=1e-08, -reduce=None, reduction='mean')(%log_input, %target)
        F.poisson_nll_loss(%input, %target, log_input=True, full=False, -size_average=None, eps=1e-08, -reduce=None, reduction='mean')""",
    ),
    Entry(
        "gaussian_nll_loss",
        "loss",
        "negative log likelihood of a normal distribution",
        elementwise,
        """nn.GaussianNLLLoss(*, full=False, eps=1e-06, reduction='mean')(%input, %target, %var)
        F.gaussian_nll_loss(%input, %target, %var, full=False, eps=1e-06, reduction='mean')""",
    ),
    Entry(
        "hinge_embedding_loss",
        "loss",
        "x where the target is 1, max(0, margin - x) where it is -1",
        elementwise,
        f"""nn.HingeEmbeddingLoss(margin=1.0, {_OLD}, reduction='mean')(%input, %target)
        F.hinge_embedding_loss(%input, %target, margin=1.0, {_OLD}, reduction='mean')""",
    ),
    Entry(
        "soft_margin_loss",
        "loss",
        "log(1 + exp(-target x))",
        elementwise,
        f"""nn.SoftMarginLoss({_OLD}, reduction='mean')(%input, %target)
        F.soft_margin_loss(%input, %target, {_OLD}, reduction='mean')""",
    ),
    Entry(
        "margin_ranking_loss",
        "loss",
        "max(0, -target (x1 - x2) + margin)",
        elementwise,
        f"""nn.MarginRankingLoss(margin=0.0, {_OLD}, reduction='mean')(%input1, %input2, %target)
        F.margin_ranking_loss(%input1, %input2, %target, margin=0, {_OLD}, reduction='mean')""",
    ),
    Entry(
        "multilabel_margin_loss",
        "loss",
        "hinge loss of several labels",
        per_sample,
        f"""nn.MultiLabelMarginLoss({_OLD}, reduction='mean')(%input, %target)
        F.multilabel_margin_loss(%input, %target, {_OLD}, reduction='mean')""",
    ),
    Entry(
        "multilabel_soft_margin_loss",
        "loss",
        "mean cross entropy over labels; its input is logits",
        per_sample,
        f"""nn.MultiLabelSoftMarginLoss(weight=None, {_OLD}, reduction='mean')(%input, %target)
        F.multilabel_soft_margin_loss(%input, %target, %weight=None, {_OLD}, reduction='mean')""",
    ),
    Entry(
        "multi_margin_loss",
        "loss",
        "hinge loss of several classes",
        per_sample,
        f"""nn.MultiMarginLoss(p=1, margin=1.0, weight=None, {_OLD}, reduction='mean')(%input, %target)
        F.multi_margin_loss(%input, %target, p=1, margin=1.0, %weight=None, {_OLD}, reduction='mean')""",
    ),
    Entry(
        "cosine_embedding_loss",
        "loss",
        "1 - cosine for alike pairs, max(0, cosine - margin) for others",
        per_pair,
        f"""nn.CosineEmbeddingLoss(margin=0.0, {_OLD}, reduction='mean')(%input1, %input2, %target)
        F.cosine_embedding_loss(%input1, %input2, %target, margin=0, {_OLD}, reduction='mean')""",
    ),
    Entry(
        "triplet_margin_loss",
        "loss",
        "max(0, distance to the positive - distance to the negative + margin)",
        per_pair,
        f"""nn.TripletMarginLoss(margin=1.0, p=2.0, eps=1e-06, swap=False, {_OLD}, reduction='mean')(%anchor, %positive, %negative)
        F.triplet_margin_loss(%anchor, %positive, %negative, margin=1.0, p=2, eps=1e-06, swap=False, {_OLD}, reduction='mean')""",
    ),
    Entry(
        "triplet_margin_with_distance_loss",
        "loss",
        "triplet margin loss of a distance of one's own",
        per_pair,
        """nn.TripletMarginWithDistanceLoss(*, distance_function=None, margin=1.0, swap=False, reduction='mean')(%anchor, %positive, %negative)
        F.triplet_margin_with_distance_loss(%anchor, %positive, %negative, *, distance_function=None, margin=1.0, swap=False,
            reduction='mean')""",
    ),
    Entry(
        "ctc_loss",
        "loss",
        "connectionist temporal classification; its input is log-probabilities",
        per_sequence,
        """nn.CTCLoss(blank=0, reduction='mean', zero_infinity=False)(%log_probs, %targets, %input_lengths, %target_lengths)
        F.ctc_loss(%log_probs, %targets, %input_lengths, %target_lengths, blank=0, reduction='mean', zero_infinity=False)""",
    ),
    Entry(
        "adaptive_log_softmax_with_loss",
        "loss",
        "softmax over many classes by clusters, with its loss",
        adaptive_result,
        """nn.AdaptiveLogSoftmaxWithLoss(in_features, n_classes, cutoffs, div_value=4.0, head_bias=False, -device=None, -dtype=None)(
            %input_, %target_)""",
        params=adaptive_params,
    ).naming("output", "loss"),
    Entry(
        "cosine_similarity",
        "combine",
        "cosine of the angle between two tensors along a dimension",
        cosine_similarity,
        """nn.CosineSimilarity(dim=1, eps=1e-08)(%x1, %x2)
        F.cosine_similarity torch.cosine_similarity (%x1, %x2, dim=1, eps=1e-08)""",
    ),
    Entry(
        "pairwise_distance",
        "combine",
        "p-norm of the difference along the last dimension",
        pairwise_distance,
        """nn.PairwiseDistance(p=2.0, eps=1e-06, keepdim=False)(%x1, %x2)
        F.pairwise_distance torch.pairwise_distance (%x1, %x2, p=2.0, eps=1e-06, keepdim=False)""",
    ),
)
