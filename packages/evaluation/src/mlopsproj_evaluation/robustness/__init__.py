"""How well a model holds out when its images are spoilt, and whether anybody would notice."""
