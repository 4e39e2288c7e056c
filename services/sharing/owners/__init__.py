"""What the owner of awards does in a browser: sign in, look at them, share them, take links down.

sessions: who is signed in, and that it is they who ask · awards: the pages and what is done on them · signing: signing
in and out · rendering: HTML · words: what it says, in each language
"""
