"""Local, API or both: rules on needs and figures. Pure."""
