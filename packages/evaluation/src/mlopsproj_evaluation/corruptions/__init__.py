"""Images as cameras, cables and the weather spoil them: named corruptions of five severities."""
