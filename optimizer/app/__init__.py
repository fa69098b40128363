"""Use cases: configuration in, one result out; shared by the commands and the public API."""
