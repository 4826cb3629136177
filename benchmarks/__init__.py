"""Speed, measured beside the disk it stands on: `make bench`."""
