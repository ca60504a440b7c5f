"""The language server: what editors show while code is written. Nothing of the code is run, and no configuration can have it run."""
