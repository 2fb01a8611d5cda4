"""What happened, as other systems tell it: judged at the door, kept once, seen at once."""
