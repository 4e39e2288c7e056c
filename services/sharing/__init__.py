"""Sharing: the public pages of awards, and the links that open and close them."""
