-- Daily parcels from state to state; every state is a hub.
SELECT CAST(date AS DATE) AS date, origin AS origin_hub_id, destination AS destination_hub_id, parcels
FROM input
