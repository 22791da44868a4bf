"""What verbs show: values of the rooms below as text for people, or as JSON for programs."""
