"""The click commands of `python -m dataset`, in the order of the flow."""
