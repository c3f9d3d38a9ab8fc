"""Packs to models: the pinned base, one ResNet per brand, the gate, fusion and their measurement."""
