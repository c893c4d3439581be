"""What the engine of served models is made of: requests and answers, and the client."""
