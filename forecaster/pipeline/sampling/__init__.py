"""Training on a sample of the series of a data set: what is drawn, and what the sample costs."""
