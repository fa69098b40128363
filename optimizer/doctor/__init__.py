"""Doctor: findings about the device, the house, the sources and the battery."""
