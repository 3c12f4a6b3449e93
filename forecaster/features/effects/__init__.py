"""Effects: what known covariates do to the target of each series, taken out before and added after."""
