"""What both generations of Genesys' agent interfaces share: reading values of any shape, and one message on its way."""
