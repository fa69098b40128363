"""Back-test: past weeks again, with what was known then, and what strategies earned."""
