"""What a scenario costs on AWS: it is played in a Sandbox, metered, and multiplied by a dated price table."""
