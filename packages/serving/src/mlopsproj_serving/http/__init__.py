"""What a request is held to, and the shapes in which it is answered."""
