"""What is read together: which logs, supervised and merged by time."""
