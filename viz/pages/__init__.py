"""The pages of the view: each a function of what was seen and who looks."""
