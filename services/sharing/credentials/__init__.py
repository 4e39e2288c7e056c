"""Open Badges 3.0: awards as verifiable credentials that anybody can check without asking us.

keys: what signs · securing: how · documents: what is said · statuses: whether it still holds ·
issuing: all of it together · baking: into a picture · routes: over HTTP
"""
