"""The trunk plan with its bound and its checker, and where stock stands ahead."""
