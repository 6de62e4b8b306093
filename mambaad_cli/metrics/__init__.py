"""The seven metrics of the field in pure NumPy: exact, fast, and with their definition written down."""
