"""What statements and expressions do."""
