"""How services hear and tell: outbox and relay on the way out, consumer and inbox on the way in.

Nothing outside of this package imports the Kafka client. What is promised: an event is published if and only if the
transaction that said it commits; its effects happen once; events of one key are handled in the order they were said.
"""
