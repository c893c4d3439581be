"""What runs inside the sandbox: the standard library is all that it may import at the top."""
