"""The properties that an entry of the op table may have. Everybody else asks for these (`ops.has(op, "saturates")`) and keeps no list of ops."""

from __future__ import annotations

from typing import Literal, TypeAlias

Trait: TypeAlias = Literal[
    # what happens to the values of the argument
    "copies",  # hands them on as they are, in the same places: to, clone, detach
    "transposes",  # exchanges dimensions
    "reshapes",  # reads them in the same order with the sizes that are given: view, reshape
    "rearranges",  # hands each of them on once, in some order: view, permute, flip
    "refits",  # hands them on to another size, made up at the edges or in between: pad, interpolate
    "repeats",  # hands each of them on once or several times: expand, repeat
    "keeps_constant",  # of entries that are all equal it gives that one: mean, max, any
    "puts",  # writes or adds into a tensor at places: index_add, setitem
    "gathers",  # takes some of them at places that a tensor tells: gather
    "picks",  # takes some of them by position: getitem, narrow
    "shape_of_other",  # the second argument only tells a shape or a type: view_as, to
    "shape_alone",  # takes the shape of its argument and no value of it: ones_like
    "shares",  # its result is a view of it: transpose, narrow, chunk
    "splits",  # several results, each a part of them
    "joins",  # puts several tensors side by side: cat, stack
    "masks",  # writes something else where a mask says so: where, masked_fill
    "triangle",  # keeps one triangle of a matrix
    "selects",  # the second result holds the places of the values: max, topk
    "orders",  # depends on nothing but their order: argmax, sort
    # arithmetic
    "adds",  # a sum or difference
    "makes_complex",  # complex numbers, whatever it gets
    "makes_real",  # real numbers, whatever it gets
    "subtracts",  # a difference, in either order
    "scales",  # a product or quotient, element by element
    "affine",  # linear in its argument where the rest are numbers: mul, add, neg
    "multiplies",  # multiplies two of its arguments with one another: mul, matmul, einsum
    "matrix_product",  # of its two arguments
    "batched_product",  # of three-dimensional tensors only: bmm
    "flat_product",  # of matrices only: mm
    "adds_product",  # a matrix product added to another argument: addmm
    "rescales",  # gives its argument another size: mul, sqrt, softmax, normalize
    "squares",  # a square where both factors are one value or the exponent is even: pow, mul
    "sums_squares",  # a sum or mean of squares: var, mse_loss
    "roots",  # takes a root: sqrt, pow, std, norm
    "sums",  # sum or mean of entries
    "statistic",  # one number for many entries that tells their size: mean, var, norm
    "takes_largest",  # the largest entry, or a smooth form of it: max, logsumexp
    "carries_terms",  # an argument is still a term of a sum in the result, masked or weighed: cat, mean, where
    "logarithm",
    "logs",  # takes a logarithm on its way: log, log_softmax, xlogy
    "bends",  # a curve that changes the slope of a signal without being called an activation: exp, clamp, sin
    "waves",  # repeats itself: sin, cos
    "complex_part",  # real or imaginary part
    # the range of the result
    "positive",  # above zero, whatever the argument: exp, sigmoid
    "keeps_positive",  # above zero where the arguments are: mul, sum, sqrt
    "floors",  # may be kept off zero from below by a bound: clamp, maximum
    "clamps",  # bounds its argument by numbers: clamp
    "caps",  # may be kept from growing by a bound: clamp, minimum
    "singular",  # its value or slope is infinite at an edge of its domain: log, sqrt, acos
    "zeros",  # filled with zeros
    "even",  # filled with one number: zeros, full
    "gives_integers",
    "gives_truths",
    "compares",  # two values by size: gt, eq
    "labels",  # integers that name classes, or truth values: argmax, one_hot
    "same_numbers",  # at every call: zeros, arange
    "draws_signed",  # random numbers of either sign
    "draws",  # random numbers
    # activations
    "saturates",  # its slope goes to zero where the argument is large of either sign or of one: sigmoid, tanh
    "squashes",  # into an interval around zero: tanh
    "off_centre",  # saturates, and its mean for a centred argument is far from zero: sigmoid, softplus
    "flattens",  # its second moment hardly depends on the argument's where that is large: tanh, sin
    "cuts_negative",  # zero for every negative argument: relu
    "either_sign",  # takes values of either sign: tanh, sin
    "never_negative",  # whatever the argument, by its definition: square, rand
    "rectifies",  # never negative, zero or nearly so for half of the arguments: relu, softplus
    "unit",  # each entry lies in [0, 1]: sigmoid
    "probability",  # entries along a dimension are not negative and sum to 1: softmax
    # layers
    "looks_up",  # rows of a table by index: embedding
    "gated",  # a recurrent layer with gates: lstm, gru
    "over_sequence",  # a recurrent layer that runs over all steps: rnn, lstm
    "each_channel",  # normalises each channel over positions, perhaps also over samples: batch_norm
    "over_features",  # normalises each position over its features: layer_norm
    "convolution",
    "transposed_convolution",
    "composite",  # made of other ops: transformer_encoder
    "by_mode",  # takes its running statistics in eval() mode: batch_norm
    "breaks_selu",  # disturbs the fixed point of SELU: dropout, batch_norm
    # losses and training
    "takes_logits",  # scores of either sign: cross_entropy
    "compares",  # two tensors, entry by entry: mse_loss
    "takes_probabilities",  # binary_cross_entropy
    "takes_log_probabilities",  # nll_loss
    "acts",  # part of training code, and of nothing else: backward, optimizer
    "clips",  # bounds gradients
    "detaches",  # the result has the values and no history: detach, item
    "leaves_torch",  # the result is no tensor: item, numpy
    # mean-field maps
    "map_along",  # the map says how much of a gradient lies along the signal
    "map_parting",  # the map says itself at which positions the gradient lies that it sends
    "map_places",  # the map does the same at every position
    "map_of_first",  # the map keeps the positions of its first argument alone
    "map_parts",  # the map says how a gradient varies over the parts of a concatenation
]
"""The closed set of properties; a comment says what each means."""
