"""How something becomes a node of the graph, and what is known of its entries."""
