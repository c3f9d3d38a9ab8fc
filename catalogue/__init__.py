"""The shared vocabulary: records and manifests, slugs and brands, params.yaml and brands.yaml, errors.

Standard library, ruamel.yaml for params.yaml, and click for the stages' common way to tell a fault.
"""
