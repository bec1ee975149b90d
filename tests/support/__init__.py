"""What several test folders need: real peers, a real broker, processes under control."""
