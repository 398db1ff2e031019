"""A checker that sits between a driver and its world, and knows what the card's manual asks of the driver.

docs/decisions/0018-a-checker-of-drivers.md says how it sees stores into rings; `hw/formats/rules.py` is what a card is
to it.
"""
