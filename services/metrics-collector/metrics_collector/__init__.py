"""Takes in what happens: journeys, costs, volumes, durations."""
