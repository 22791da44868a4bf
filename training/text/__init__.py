"""The text the starter model learns from: all of it generated here, none of it collected."""
