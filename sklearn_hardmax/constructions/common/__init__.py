"""What every construction shares: its result, its errors, layer specifications, ReLU building blocks, temperatures."""
