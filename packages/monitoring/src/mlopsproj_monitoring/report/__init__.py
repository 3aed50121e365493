"""A check as a page for people: `page` writes ours, `evidently_page` Evidently's."""
