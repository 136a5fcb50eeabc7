"""Speed of reconciliation, beside hierarchicalforecast's MinTrace."""
