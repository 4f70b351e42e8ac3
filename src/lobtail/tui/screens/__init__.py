"""The screens of the terminal client, and the questions that it asks."""
