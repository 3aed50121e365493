"""How `optimize` climbs: variants of a model are made, judged, timed, and one is chosen."""
