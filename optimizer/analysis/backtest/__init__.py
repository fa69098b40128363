"""Past weeks lived again, with what was known then, and what that would have earned in euros."""
