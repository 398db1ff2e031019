"""Faults in one block of a card, by Yosys' `mutate`: made, run under the block's own tests, told apart by a proof."""
