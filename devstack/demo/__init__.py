"""The main job, shown on real Kafka and PostgreSQL: `python -m devstack.demo`, or `make demo`.

It starts every process of both services, publishes the story of a small organization as its
platform would, and shows what the members, the publishers and a stranger get to see. It knows the
services by their commands, topics and HTTP only, and what the rules say must come out is written
down beside the story: so it is a test of the whole, too.
"""
