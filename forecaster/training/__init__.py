"""Training: planning, fitting and blending an ensemble from the rows before an origin."""
