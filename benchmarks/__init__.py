"""Speed, side by side with the alternative in one run, told as ratios. ``./run bench`` writes the tables."""
