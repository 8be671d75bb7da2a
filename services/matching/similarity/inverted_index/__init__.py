"""The index itself: what words weigh, the fields of a segment, and who stands in which row."""
