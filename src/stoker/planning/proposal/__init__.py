"""From a question to a plan with its verdict, reasons and alternatives. Pure."""
