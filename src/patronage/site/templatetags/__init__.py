"""What templates may say: formats, components and charts."""
