"""One plan for stock and trunk: what stands ahead takes load off hubs, and the trunk knows it."""
