"""Graph → trace, facts."""
