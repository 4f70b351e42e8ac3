"""Values in, text out: what people look at."""
