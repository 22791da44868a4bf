"""Who may answer?"""
