"""What the terminal client knows: values and rules, no Textual, no event loop, no clock."""
