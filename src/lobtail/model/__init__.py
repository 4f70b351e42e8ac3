"""What travels through lobtail, and how it is saved and read back."""
