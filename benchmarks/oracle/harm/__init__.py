"""Small trainings with one fault and without it, one for each rule: what the fault costs."""

from benchmarks.oracle.harm import agents, axes, loops, losses, numerics, paths, starts, states
from benchmarks.oracle.harm.case import CASES, Case, Outcome

__all__ = ["CASES", "Case", "Outcome", "agents", "axes", "loops", "losses", "numerics", "paths", "starts", "states"]
