"""What would have been: the stored history of a pipeline under many policies at once."""
