"""The commands that people type. Each stands in a file of its own name; `main` lists them."""
