"""The shared vocabulary: records, manifests, slugs and errors; standard library only."""
