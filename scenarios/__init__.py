"""Questions about plants: the plants themselves, and what is asked of them."""
