"""From what a source says to readings a twin can use: recipes, recordings, and what was changed on the way."""
