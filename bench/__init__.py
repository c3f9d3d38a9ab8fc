"""Comparisons and slow checks: everything here is run by hand, nothing by the pipeline."""
