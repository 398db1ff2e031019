"""A run of a served card on record: all that entered and left the card, with its clock; and that run once more."""
