"""`ringbed mutate`: how many faults in a block its own tests find."""
