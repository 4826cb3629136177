"""Random async bodies, with crashes, zombies and replays in another process: what a body saw must never change."""
