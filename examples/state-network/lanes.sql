-- Lanes by distance: each hub to its five nearest and, as the trunk, to and from the state with most addresses.
-- Over the ground is taken as 1.3 times the great circle (haversine, Earth radius 6371 km), trucks at 55 km/h.
WITH hub AS (
    SELECT geolocation_state AS id, radians(avg(geolocation_lat)) AS lat, radians(avg(geolocation_lng)) AS lon, count(*) AS size
    FROM input
    GROUP BY geolocation_state
),
pair AS (
    SELECT
        a.id AS origin,
        b.id AS destination,
        1.3 * 2 * 6371 * asin(sqrt(
            pow(sin((b.lat - a.lat) / 2), 2) + cos(a.lat) * cos(b.lat) * pow(sin((b.lon - a.lon) / 2), 2)
        )) AS km,
        greatest(a.size, b.size) = (SELECT max(size) FROM hub) AS to_centre
    FROM hub AS a CROSS JOIN hub AS b
    WHERE a.id <> b.id
),
near AS (
    SELECT *, row_number() OVER (PARTITION BY origin ORDER BY km, destination) AS rank FROM pair
)
SELECT
    one.origin || '-' || one.destination AS lane_id,
    one.origin AS origin_hub_id,
    one.destination AS destination_hub_id,
    'road' AS mode,
    round(one.km, 1) AS distance_km,
    round(one.km / 55, 1) AS transit_hours
FROM near AS one
JOIN near AS back ON back.origin = one.destination AND back.destination = one.origin
WHERE one.rank <= 5 OR back.rank <= 5 OR one.to_centre
ORDER BY lane_id
