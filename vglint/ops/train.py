"""What training code calls: optimisers, schedules, clipping, checkpoints."""

from __future__ import annotations

from vglint.ops.entry import Entry
from vglint.ops.shapes import same, scalar, unknown

ENTRIES = (
    Entry(
        "optimizer",
        "train",
        "moves parameters along their gradients",
        unknown,
        """torch.optim.ASGD(-params, lr=0.01, lambd=0.0001, alpha=0.75, t0=1000000.0, weight_decay=0, -foreach=None, maximize=False,
            -differentiable=False, -capturable=False)
        torch.optim.Adadelta(-params, lr=1.0, rho=0.9, eps=1e-06, weight_decay=0, -foreach=None, *, -capturable=False,
            maximize=False, -differentiable=False)
        torch.optim.Adafactor(-params, lr=0.01, beta2_decay=-0.8, eps=(None, 0.001), d=1.0, weight_decay=0.0, *, -foreach=None,
            maximize=False)
        torch.optim.Adagrad(-params, lr=0.01, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, -foreach=None, *,
            maximize=False, -differentiable=False, -fused=None)
        torch.optim.Adam(-params, lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0, amsgrad=False, *, -foreach=None,
            maximize=False, -capturable=False, -differentiable=False, -fused=None, decoupled_weight_decay=False)
        torch.optim.AdamW(-params, lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01, amsgrad=False, *, maximize=False,
            -foreach=None, -capturable=False, -differentiable=False, -fused=None)
        torch.optim.Adamax(-params, lr=0.002, betas=(0.9, 0.999), eps=1e-08, weight_decay=0, -foreach=None, *, maximize=False,
            -differentiable=False, -capturable=False)
        torch.optim.LBFGS(-params, lr=1, max_iter=20, max_eval=None, tolerance_grad=1e-07, tolerance_change=1e-09, history_size=100,
            line_search_fn=None)
        torch.optim.Muon(-params, lr=0.001, weight_decay=0.1, momentum=0.95, nesterov=True, ns_coefficients=(3.4445, -4.775, 2.0315),
            eps=1e-07, ns_steps=5, adjust_lr_fn=None)
        torch.optim.NAdam(-params, lr=0.002, betas=(0.9, 0.999), eps=1e-08, weight_decay=0, momentum_decay=0.004,
            decoupled_weight_decay=False, *, -foreach=None, maximize=False, -capturable=False, -differentiable=False)
        torch.optim.RAdam(-params, lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0, decoupled_weight_decay=False, *,
            -foreach=None, maximize=False, -capturable=False, -differentiable=False)
        torch.optim.RMSprop(-params, lr=0.01, alpha=0.99, eps=1e-08, weight_decay=0, momentum=0, centered=False, -capturable=False,
            -foreach=None, maximize=False, -differentiable=False)
        torch.optim.Rprop(-params, lr=0.01, etas=(0.5, 1.2), step_sizes=(1e-06, 50), *, -capturable=False, -foreach=None,
            maximize=False, -differentiable=False)
        torch.optim.SGD(-params, lr=0.001, momentum=0, dampening=0, weight_decay=0, nesterov=False, *, maximize=False,
            -foreach=None, -differentiable=False, -fused=None)
        torch.optim.SparseAdam(-params, lr=0.001, betas=(0.9, 0.999), eps=1e-08, maximize=False)""",
    ).having("acts"),
    Entry(
        "scheduler",
        "train",
        "changes an optimiser's learning rate over time",
        unknown,
        """torch.optim.lr_scheduler.ChainedScheduler(schedulers, -optimizer=None)
        torch.optim.lr_scheduler.ConstantLR(-optimizer, factor=0.3333333333333333, total_iters=5, last_epoch=-1)
        torch.optim.lr_scheduler.CosineAnnealingLR(-optimizer, T_max, eta_min=0.0, last_epoch=-1)
        torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(-optimizer, T_0, T_mult=1, eta_min=0.0, last_epoch=-1)
        torch.optim.lr_scheduler.CyclicLR(-optimizer, base_lr, max_lr, step_size_up=2000, step_size_down=None, mode='triangular',
            gamma=1.0, scale_fn=None, scale_mode='cycle', cycle_momentum=True, base_momentum=0.8, max_momentum=0.9, last_epoch=-1)
        torch.optim.lr_scheduler.ExponentialLR(-optimizer, gamma, last_epoch=-1)
        torch.optim.lr_scheduler.LambdaLR(-optimizer, lr_lambda, last_epoch=-1)
        torch.optim.lr_scheduler.LinearLR(-optimizer, start_factor=0.3333333333333333, end_factor=1.0, total_iters=5, last_epoch=-1)
        torch.optim.lr_scheduler.MultiStepLR(-optimizer, milestones, gamma=0.1, last_epoch=-1)
        torch.optim.lr_scheduler.MultiplicativeLR(-optimizer, lr_lambda, last_epoch=-1)
        torch.optim.lr_scheduler.OneCycleLR(-optimizer, max_lr, total_steps=None, epochs=None, steps_per_epoch=None, pct_start=0.3,
            anneal_strategy='cos', cycle_momentum=True, base_momentum=0.85, max_momentum=0.95, div_factor=25.0,
            final_div_factor=10000.0, three_phase=False, last_epoch=-1)
        torch.optim.lr_scheduler.PolynomialLR(-optimizer, total_iters=5, power=1.0, last_epoch=-1)
        torch.optim.lr_scheduler.ReduceLROnPlateau(-optimizer, mode='min', factor=0.1, patience=10, threshold=0.0001,
            threshold_mode='rel', cooldown=0, min_lr=0, eps=1e-08)
        torch.optim.lr_scheduler.SequentialLR(-optimizer, schedulers, milestones, last_epoch=-1)
        torch.optim.lr_scheduler.StepLR(-optimizer, step_size, gamma=0.1, last_epoch=-1)""",
    ),
    Entry(
        "clip_grad_norm",
        "train",
        "scales all gradients down to a total norm of at most max_norm",
        scalar,
        """torch.nn.utils.clip_grad_norm_ torch.nn.utils.clip_grad_norm (-parameters, max_norm, norm_type=2.0,
            error_if_nonfinite=False, -foreach=None)""",
    ).having("clips", "acts"),
    Entry(
        "clip_grad_value",
        "train",
        "clips each gradient element to ± clip_value",
        unknown,
        """torch.nn.utils.clip_grad_value_(-parameters, clip_value, -foreach=None)""",
    ).having("clips", "acts"),
    Entry(
        "grad_scaler",
        "train",
        "scales losses and unscales gradients for half precision",
        unknown,
        """torch.amp.GradScaler torch.GradScaler (-device='cuda', init_scale=65536.0, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000,
            enabled=True)
        torch.cuda.amp.GradScaler(init_scale=65536.0, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000, enabled=True)""",
    ),
    Entry(
        "backward",
        "train",
        "computes gradients of a loss",
        unknown,
        """x.backward(%self, %gradient=None, retain_graph=None, create_graph=False, -inputs=None)
        torch.autograd.backward(%%tensors, %%grad_tensors=None, retain_graph=None, create_graph=False, -grad_variables=None,
            -inputs=None)""",
    ).having("acts"),
    Entry(
        "requires_grad",
        "train",
        "says whether a tensor's gradient is wanted",
        same,
        """x.requires_grad_(%self, requires_grad=True)""",
    ).having("copies", "detaches"),
    Entry(
        "retain_grad",
        "train",
        "keeps the gradient of an inner tensor",
        unknown,
        """x.retain_grad(%self)
        x.register_hook(%self, -hook)""",
    ),
    Entry(
        "parameters_to_vector",
        "train",
        "parameters as one vector, and back",
        unknown,
        """torch.nn.utils.parameters_to_vector(-parameters)
        torch.nn.utils.vector_to_parameters(%vec, -parameters)""",
    ),
    Entry("escape", "train", "hands parameters or an optimiser to code that is not followed", unknown, ""),
    Entry(
        "handed",
        "train",
        "hands a tensor with a history to code that is not followed: it may send it back",
        unknown,
        "",
    ),
    Entry(
        "checkpoint",
        "other",
        "runs a function now and again in the backward pass",
        unknown,
        """torch.utils.checkpoint.checkpoint(-function, *%%args, -use_reentrant=None, -context_fn=torch.utils.checkpoint.noop_context_fn,
            -determinism_check='default', -debug=False, -early_stop=True, **-kwargs)
        torch.utils.checkpoint.checkpoint_sequential(-functions, -segments, %input, -use_reentrant=None, **-kwargs)""",
    ),
)
