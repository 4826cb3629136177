"""Event patterns as Amazon's own rule engine judges them: generated pairs of pattern and event, and who answers."""
