"""Data cubes: the world, its weather, its regions, and how cells are found."""
