"""Networks for class labels and from sequence to sequence: other heads on the same recurrent network."""
