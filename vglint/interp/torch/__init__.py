"""nn.Module, layers, containers, initialisers, functions with their own gradient, training code and trainers."""
