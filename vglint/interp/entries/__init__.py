"""Where interpretation starts, and what is read off at its end."""
