"""What the probe measures, by the names that a rule's `[confirm]` may use as `measured.NAME`."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from vglint.analysis.facts.spec import FactType


class Measure(Struct, frozen=True):
    """One measured quantity; over several seeds, every seed must satisfy the condition."""

    type: FactType
    unit: str
    doc: str


MEASURES: Mapping[str, Measure] = {
    "log10_weight_gradient_ratio": Measure(
        "number", "decades", "RMS gradient of the first weight layer's weight over the last's, at step 50 or later"
    ),
    "log10_gradient_ratio": Measure(
        "number", "decades", "RMS gradient at the first weight layer's output over the last hidden one's, at the start"
    ),
    "nonfinite": Measure("flag", "", "NaN or infinity appeared in an activation, a gradient or the loss"),
    "large_nonfinite": Measure(
        "flag", "", "NaN or infinity in the loss or a gradient where inputs are 1000 times as large"
    ),
    "edge_nonfinite": Measure(
        "flag", "", "NaN or infinity in the loss or a gradient where inputs are zero or all arguments are equal"
    ),
    "diverged": Measure("flag", "", "the loss rose above twice its first value, or is huge and does not fall"),
    "loss_drop": Measure("number", "share", "1 - last loss / first loss"),
    "overfits": Measure("flag", "", "16 samples can be learnt by heart"),
    "dead_share": Measure(
        "number", "share", "units of the worst layer that are zero on every one of 128 samples or more"
    ),
    "saturated_share": Measure("number", "share", "pre-activations of the worst layer beyond 5 in absolute value"),
    "log10_time_ratio": Measure("number", "decades", "|dL/dx_0| over |dL/dx_T| of a recurrent model"),
    "update_ratio": Measure("number", "ratio", "|step of w| / |w|, median over parameters"),
    "zero_gradients": Measure("number", "parameters", "trainable parameters whose gradient is None or exactly zero"),
    "unreached_parameters": Measure(
        "number",
        "parameters",
        "parameters that no gradient reaches, of layers that ran and whose output is not the only choice",
    ),
    "unowned_parameters": Measure(
        "number",
        "parameters",
        "parameters that the loss depends on and that are not among the model's: hidden, or made again in each forward pass",
    ),
    "equal_rows": Measure("flag", "", "a weight of more than one unit keeps all rows equal while training"),
    "doubled_sums": Measure("flag", "", "forward adds a tensor to itself"),
    "unfilled_parameters": Measure(
        "number", "parameters", "parameters that hold what was in memory: nothing fills them when the model is built"
    ),
    "log10_output_moment": Measure(
        "number", "decades", "second moment of the model's output at the start, for inputs of variance 1"
    ),
    "attention_entropy": Measure(
        "number", "share", "mean entropy of attention weights over log(positions), worst head"
    ),
    "probabilities_as_logits": Measure(
        "flag",
        "",
        "all that a loss of logits, or a log_softmax, got from the training code lay within 0..1, and summed to 1 over the classes",
    ),
    "log_probabilities_as_logits": Measure(
        "flag", "", "all that a cross-entropy got from the training code were log-probabilities already"
    ),
    "probabilities_as_logs": Measure(
        "flag", "", "all that a loss of log-probabilities got from the training code lay within 0..1"
    ),
    "rectified_outputs": Measure(
        "flag",
        "",
        "nothing that a loss of logits or a difference got from the training code was negative, and a tenth or more was zero",
    ),
    "broadcast_loss": Measure(
        "flag", "", "a loss of the training code compared a prediction with a target of another shape"
    ),
    "outer_loss": Measure(
        "flag", "", "a loss of the training code compared each prediction with the targets of all samples"
    ),
    "softmax_as_logits": Measure(
        "flag", "", "all that losses of logits over classes got from the training code were probabilities that sum to 1"
    ),
    "flat_terms": Measure(
        "number", "terms", "terms of the training code's loss that have no gradient and change from pass to pass"
    ),
    "scaled_loss": Measure("flag", "", "the training code multiplies or divides the loss before backward"),
    "stacked_linears": Measure(
        "number", "layers", "linear layers and convolutions that read what another one returns with nothing between"
    ),
    "dropped_share": Measure("number", "share", "values that a dropout takes away in training, worst dropout"),
    "least_normalised_moment": Measure(
        "number", "", "second moment of what a normalisation with unit scale returns, worst one: 1 where it normalises"
    ),
    "mixes_samples": Measure(
        "flag", "", "changing one sample of a batch changes the model's output for another, in evaluation mode"
    ),
    "squared_probabilities": Measure(
        "flag", "", "all that a squared error got from the training code lay within 0..1, and its targets were 0 or 1"
    ),
    "negative_loss": Measure("flag", "", "the training code's loss is below zero"),
    "unmoved_parameters": Measure(
        "number", "parameters", "parameters that want a gradient, get one, and that no step of the training code moves"
    ),
    "blind_optimizers": Measure(
        "number", "optimisers", "optimisers of the training code none of whose parameters has a gradient at any step"
    ),
    "frozen_optimizers": Measure(
        "number", "optimisers", "optimisers of the training code none of whose parameters wants a gradient"
    ),
    "unstepped_optimizers": Measure(
        "number",
        "optimisers",
        "optimisers of the training code that never step in four backward passes or more, though gradients reach their parameters",
    ),
    "unstepped_passes": Measure(
        "number", "passes", "backward passes of training code in which nothing steps; 0 where something does"
    ),
    "passes_per_step": Measure("number", "passes", "backward passes of the training code for each step"),
    "discarded_share": Measure(
        "number", "share", "backward passes all of whose gradients are cleared before a step uses them"
    ),
    "evaluating_share": Measure(
        "number", "share", "backward passes through a dropout or batch normalisation in evaluation mode"
    ),
    "idle_clip_share": Measure(
        "number", "share", "calls that clip no gradient at all, or gradients that a step has used already"
    ),
    "clip_factor": Measure("number", "share", "what clipping leaves of the gradient's norm, median"),
    "rebuilt_optimizers": Measure(
        "number", "optimisers", "optimisers that the training code makes for parameters which have one already"
    ),
    "scheduled_rate": Measure(
        "number", "ratio", "learning rate that a scheduler comes to within 400 steps and stays at, over its first"
    ),
    "graph_growth": Measure(
        "number",
        "ratio",
        "nodes of the loss's graph at the training code's twelfth backward pass over those at its first",
    ),
    "kept_graphs": Measure(
        "number", "losses", "earlier losses of the training code whose graph is still held at a later pass"
    ),
    "stale_gradients": Measure(
        "flag", "", "a step of the training code uses gradients that an earlier step has used and nobody has cleared"
    ),
    "step_raised": Measure(
        "flag", "", "backward, step, the optimiser that was given no leaf, or a loss of probabilities raised an error"
    ),
}
