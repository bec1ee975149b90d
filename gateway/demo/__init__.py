"""The demo: simulated platforms, a gateway, real sinks, commands sent back, and an honest account at the end.

The simulators are processes of their own and keep the truth of what they published; the account compares it with what
the journal holds and what each sink received.
"""
