"""The shared vocabulary: records and manifests, slugs and brands, params.yaml and brands.yaml, errors.

Standard library, and ruamel.yaml for params.yaml alone.
"""
