"""What the driver of an operating system is held to on a card of ours: scripts for `ringbed guest --wire kernel --run`."""
