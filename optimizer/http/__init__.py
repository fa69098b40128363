"""HTTP: the one transport of sources and FEMS, and the client for services."""
