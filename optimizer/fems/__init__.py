"""The battery's own controller: its channels, a client for it, and a simulated one to talk to."""
