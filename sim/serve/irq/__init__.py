"""How a client is told of a card's interrupt lines: INTx, MSI or MSI-X, by eventfds."""
