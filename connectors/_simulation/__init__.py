"""Building blocks of simulated platforms: Bayeux and SignalR servers, faults, an oracle, things to happen later."""
