"""HTTP on the one side, the rules on the other: a route translates."""
