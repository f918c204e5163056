"""What the operator is told: conditions, their life as advisories, and the words for them."""
