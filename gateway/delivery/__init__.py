"""The parts of a dispatcher: what is held back, how far the sink is, how the receiver does, what operators ask for."""
