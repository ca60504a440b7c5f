"""Facts: what rules may ask of a graph, each computed when asked and kept for its subject."""

from vglint.analysis.facts.spec import FACTS, FactSpec, FactType, FactValue, types_of
from vglint.analysis.facts.subject import SubjectFacts, subjects

__all__ = ["FACTS", "FactSpec", "FactType", "FactValue", "SubjectFacts", "subjects", "types_of"]
