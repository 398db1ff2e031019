"""A card in the time of a User Mode Linux: its calendar (time travel) and its PCI slot (virt-pci over vhost-user)."""
