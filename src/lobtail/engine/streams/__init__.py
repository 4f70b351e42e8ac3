"""What an engine sends for as long as one listens: logs, events, stats, attach, exec, pull."""
