"""Night: a forecast goes in, a verified plan comes out."""
