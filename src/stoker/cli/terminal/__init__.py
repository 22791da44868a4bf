"""A person beside a verb: streams, questions, answers, progress, and being stopped."""
