"""Building blocks of simulated platforms: a Bayeux server, faults, an oracle, things to happen later."""
