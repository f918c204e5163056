"""What the journal received, hour by hour, in immutable archives; and what may be forgotten once it is there."""
