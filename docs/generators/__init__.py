"""What writes the pages of docs/reference: a module with ``pages() -> dict[str, str]`` says which files hold what."""
