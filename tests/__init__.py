"""The tests: their tree is the map of the product."""
