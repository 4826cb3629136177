"""The commands, one module each; `milepost.cli.main` says which there are."""
