"""What each pretrained network reads of a series."""
