-- One hub a state, where its addresses are on average. Input: one row a zip code with its coordinates.
SELECT
    geolocation_state AS hub_id,
    geolocation_state AS name,
    avg(geolocation_lat) AS latitude,
    avg(geolocation_lng) AS longitude,
    0.25 AS handling_cost
FROM input
GROUP BY geolocation_state
