"""What the terminal client shows: each widget draws one thing of the state."""
