"""What functions and classes of libraries do: `def f(call: Call) -> Value`, one file a library; loading them fills the table."""
