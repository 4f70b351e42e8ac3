"""Lines that belong together: the rules that say so, and what groups them."""
