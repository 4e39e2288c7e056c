"""The two services, achievements and sharing, and what both stand on."""
