"""Networks for labels and from sequence to sequence, built from the same recurrent stacks."""
