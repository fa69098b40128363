"""Text: figures, units, local times and phases of a plan in words."""
