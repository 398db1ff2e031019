"""What a driver is asked: cases, each of a card of its own, that end in findings or in 'holds'."""
