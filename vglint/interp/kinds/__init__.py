"""What each kind of value answers when it is asked for an attribute, called or tested for its type."""
