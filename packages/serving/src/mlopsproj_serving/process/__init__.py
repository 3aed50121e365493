"""What a process of a service is, whatever it serves: settings, socket, server, lines on stderr."""
