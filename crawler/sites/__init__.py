"""Rules for one shop, one small file per domain."""
