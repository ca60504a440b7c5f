"""What functions of libraries do, one file a library."""
